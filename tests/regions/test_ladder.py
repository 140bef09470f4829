"""Minima and maxima by ReLU, against numpy's."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from inscape.regions._formula import depth
from inscape.regions._ladder import cut_off, ladder_layers

FORMULAS = st.recursive(
    st.integers(0, 5),
    lambda inner: st.lists(inner, min_size=2, max_size=5).flatmap(
        lambda parts: st.sampled_from(["all", "any"]).map(lambda gate: (gate, *parts))
    ),
    max_leaves=12,
)


def value(layers, x):
    found = x
    for weight, bias in layers[:-1]:
        found = np.maximum(found @ weight.T + bias, 0)
    return found @ layers[-1][0].T + layers[-1][1]


@given(st.lists(FORMULAS, min_size=1, max_size=3), st.integers(0, 10**6))
def test_output_is_the_depth_cut_off_below(formulas, seed):
    rng = np.random.default_rng(seed)
    normals, offsets = rng.standard_normal((6, 2)), rng.standard_normal(6)
    x = np.concatenate([rng.uniform(-1, 1, (60, 2)), rng.uniform(-100, 100, (60, 2))])
    layers = ladder_layers(normals, offsets, formulas, scale=4.0, cut=8.0)
    deep = np.stack([depth(formula, x @ normals.T + offsets) for formula in formulas], axis=1)
    np.testing.assert_allclose(value(layers, x), 4 * np.maximum(deep, -8.0), atol=1e-10)
    np.testing.assert_array_equal(value(layers, x) > 1e-9, deep > 1e-9 / 4)


def test_dyadic_shapes_are_exact_to_the_last_bit():
    normals, offsets = np.concatenate([np.eye(2), -np.eye(2)]), np.array([0.0, 0.0, 1.0, 1.0])
    layers = ladder_layers(normals, offsets, [("all", 0, 1, 2, 3)], scale=1.0, cut=8.0)
    x = np.random.default_rng(0).integers(-64, 128, (500, 2)) / 64
    np.testing.assert_array_equal(value(layers, x)[:, 0], np.minimum(x, 1 - x).min(1))


def test_depth_of_the_network_is_logarithmic():
    formula = ("all", *range(64))
    layers = ladder_layers(np.ones((64, 1)), np.arange(64.0), [formula], scale=1.0, cut=8.0)
    assert len(layers) == 1 + 6 + 1
    assert [len(bias) for _, bias in layers] == [64, 64, 32, 16, 8, 4, 2, 1]
    between = np.concatenate([weight.ravel() for weight, _ in layers[1:-1]])
    assert set(np.unique(between)) == {-1.0, 0.0, 1.0}


def test_cut_is_a_power_of_two_beyond_the_shapes():
    assert cut_off(np.array([-3.0, 0.0]), np.array([1.0, 2.0])) == 32.0
    assert cut_off(np.array([1e-9]), np.array([2e-9])) == 2.0**-25
    assert cut_off(np.zeros(1), np.zeros(1)) > 0
