"""The relations between scale, margin and gain: right above the limit, wrong below, and no larger error by depth."""

from math import log

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inscape.regions._formula import depth
from inscape.regions._gates import gate_layers, logit_bounds, sigmoid


def value(layers, x):
    found = x
    for weight, bias in layers[:-1]:
        found = 1 / (1 + np.exp(-(found @ weight.T + bias)))
    return found @ layers[-1][0].T + layers[-1][1]


def regular(n):
    """Inward normals of a regular n-gon with inradius 1: at the centre all faces are at distance 1."""
    angle = 2 * np.pi * np.arange(n) / n
    return -np.stack([np.cos(angle), np.sin(angle)], axis=1), np.ones(n)


@pytest.mark.parametrize("n", [2, 3, 7, 20])
@pytest.mark.parametrize(("factor", "right"), [(0.999, False), (1.001, True)])
def test_limit_of_one_and_is_sharp(n, factor, right):
    normals, offsets = regular(n)
    formula = ("all", *range(n))
    scale = factor * log(2 * n - 1)
    layers = gate_layers(normals, offsets, [formula], scale=scale, gain=5.0)
    assert (value(layers, np.zeros((1, 2)))[0, 0] > 0) == right
    bounds = logit_bounds([formula], scale=scale, gain=5.0, margin=1.0)
    assert (bounds[0, 0] > 0) == right
    assert bounds[0, 0] == pytest.approx(value(layers, np.zeros((1, 2)))[0, 0])


@pytest.mark.parametrize("k", [1, 2, 3])
def test_corners_are_inset_by_the_logarithm(k):
    """On the diagonal of a corner of k faces, the others far away."""
    n, scale = 6, 4.0
    normals, offsets = np.concatenate([np.eye(3), -np.eye(3)]), np.array([0.0, 0, 0, 100, 100, 100])
    layers = gate_layers(normals, offsets, [("all", *range(n))], scale=scale, gain=1.0)
    inset = log(2 * k - 1) / scale
    point = np.where(np.arange(3) < k, 0.0, 50.0)
    near = np.array([point + np.where(np.arange(3) < k, inset + step, 0.0) for step in (-1e-6, 1e-6)])
    assert (value(layers, near)[:, 0] > 0).tolist() == [False, True]


@pytest.mark.parametrize("r", [2, 5])
@pytest.mark.parametrize(("factor", "right"), [(0.999, False), (1.001, True)])
def test_limit_of_an_or_of_ands_is_sharp(r, factor, right):
    """All r parts are missed by the same margin by one face, their other faces being far inside."""
    scale, margin = 3.0, 1.0
    error = sigmoid(-scale * margin)
    normals, offsets = np.array([[1.0], [-1.0]] * r), np.array([0.0, 1e3] * r)
    formula = ("any", *(("all", 2 * i, 2 * i + 1) for i in range(r)))
    gain = factor * log(2 * r - 1) / (0.5 - error)
    layers = gate_layers(normals, offsets, [formula], scale=scale, gain=gain)
    assert (value(layers, np.array([[-margin]]))[0, 0] < 0) == right
    assert (logit_bounds([formula], scale=scale, gain=gain, margin=margin)[1, 0] > 0) == right


FORMULAS = st.recursive(
    st.integers(0, 5),
    lambda inner: (
        st.tuples(st.sampled_from(["all", "any"]), inner, inner)
        | st.tuples(st.sampled_from(["all", "any"]), inner, inner, inner)
    ),
    max_leaves=8,
)


@given(FORMULAS, st.integers(0, 10**6), st.floats(0.5, 8.0), st.floats(2.0, 30.0))
def test_bounds_hold_at_random_points(formula, seed, scale, gain):
    rng = np.random.default_rng(seed)
    normals = rng.standard_normal((6, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    offsets, margin = rng.standard_normal(6), 0.3
    x = rng.uniform(-3, 3, (300, 3))
    found = value(gate_layers(normals, offsets, [formula], scale=scale, gain=gain), x)[:, 0]
    inside, outside = logit_bounds([formula], scale=scale, gain=gain, margin=margin)[:, 0]
    deep = depth(formula, x @ normals.T + offsets)
    assert (found[deep >= margin] >= inside - 1e-9).all()
    assert (found[deep <= -margin] <= -outside + 1e-9).all()


@given(FORMULAS, st.floats(0.05, 0.95))
def test_the_chosen_gain_adds_no_error(formula, share):
    from inscape.regions._formula import widest

    inputs = widest(formula)
    error = share / (2 * inputs)
    slope = log(1 / error - 1)
    gain = slope / (0.5 - inputs * error)
    assert (logit_bounds([formula], scale=slope, gain=gain, margin=1.0) >= slope * (1 - 1e-9)).all()


def test_torch_computes_the_same():
    normals, offsets = regular(5)
    layers = gate_layers(normals, offsets, [("all", *range(5))], scale=9.0, gain=4.0)
    x = torch.tensor([[0.1, 0.2], [3.0, -1.0]], dtype=torch.float64)
    hidden = torch.sigmoid(x @ torch.tensor(layers[0][0]).T + torch.tensor(layers[0][1]))
    wanted = hidden @ torch.tensor(layers[1][0]).T + torch.tensor(layers[1][1])
    np.testing.assert_allclose(value(layers, x.numpy()), wanted.numpy(), rtol=1e-12)
