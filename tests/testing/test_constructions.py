"""The constructions have exactly the pieces that they promise, and weights that both float types hold."""

from math import factorial

import numpy as np
import pytest
import torch

from inscape._errors import InputError
from inscape.geometry import Box
from inscape.regions import counting
from inscape.testing import (
    arrangement_net,
    braid_net,
    count_by_lp,
    grid_net,
    montufar_net,
    random_arrangement,
    sawtooth,
    sequential,
)


def cube(low, high, dimension):
    return Box(low=np.full(dimension, float(low)), high=np.full(dimension, float(high)))


@pytest.mark.parametrize("depth", [1, 2, 5, 6])
def test_sawtooth_has_a_power_of_two_of_pieces(depth):
    assert count_by_lp(sawtooth(depth), cube(0, 1, 1)) == 2**depth


@pytest.mark.parametrize("depth", [1, 3, 10])
def test_sawtooth_is_the_repeated_tent_map(depth):
    x = torch.arange(0, 2**12 + 1, dtype=torch.float64)[:, None] / 2**12
    expected = x
    for _ in range(depth):
        expected = 2 * torch.minimum(expected, 1 - expected)
    assert torch.equal(sawtooth(depth)(x), expected)


@pytest.mark.parametrize(
    ("widths", "d"), [((5,), 1), ((4, 4), 2), ((2, 3), 1), ((5, 3), 2), ((4, 5, 3), 2), ((4, 2, 4, 3), 1), ((7, 4), 3)]
)
def test_montufar_net_reaches_the_bound_exactly(widths, d):
    assert count_by_lp(montufar_net(widths, d), cube(0, 1, d)) == counting.montufar_lower(widths, d)


def test_montufar_net_in_three_parts_reaches_at_least_the_bound():
    assert count_by_lp(montufar_net((6, 3), 2), cube(0, 1, 2)) >= counting.montufar_lower((6, 3), 2)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_braid_net_has_a_factorial_of_cells(d):
    assert count_by_lp(braid_net(d), cube(-1, 1, d)) == factorial(d + 1)


@pytest.mark.parametrize("degenerate", [True, False])
def test_grid_net_has_its_boxes(degenerate):
    assert count_by_lp(grid_net(5, 2, degenerate=degenerate), cube(0, 5, 2)) == 25
    assert len(grid_net(5, 3, degenerate=degenerate)[0].weight) == 12 * (3 if degenerate else 1)


def test_grid_of_125_cubes():
    assert count_by_lp(grid_net(5, 3, degenerate=False), cube(0, 5, 3)) == 125


@pytest.mark.parametrize("kind", ["generic", "negated", "central"])
def test_arrangement_net_is_the_sum_of_its_hinges(kind):
    rows = random_arrangement(kind, 6, 3, rng=1)
    x = np.random.default_rng(0).standard_normal((50, 3))
    expected = np.maximum(x @ rows.normals.T + rows.offsets, 0).sum(1, keepdims=True)
    net = arrangement_net(rows.normals, rows.offsets)
    assert net(torch.from_numpy(x)).detach().numpy() == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    "make",
    [
        lambda dtype: sawtooth(6, dtype=dtype),
        lambda dtype: montufar_net((5, 4, 4), 2, dtype=dtype),
        lambda dtype: braid_net(4, dtype=dtype),
        lambda dtype: grid_net(6, 2, dtype=dtype),
    ],
)
def test_float32_holds_the_same_weights(make):
    wide, narrow = make(torch.float64), make(torch.float32)
    assert all(p.dtype == torch.float32 for p in narrow.parameters())
    pairs = zip(wide.parameters(), narrow.parameters(), strict=True)
    assert all(torch.equal(a, b.double()) for a, b in pairs)


def test_sequential_ends_without_activation():
    net = sequential([(np.ones((2, 3)), np.zeros(2)), (np.ones((1, 2)), np.zeros(1))])
    assert [type(module).__name__ for module in net] == ["Linear", "ReLU", "Linear"]


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: sawtooth(0), "expected a depth ≥ 1, got 0"),
        (lambda: montufar_net((1, 4), 2), r"every width but the last ≥ 2, got \[1, 4\]"),
    ],
)
def test_bad_input_is_named(call, match):
    with pytest.raises(InputError, match=match):
        call()


def test_building_leaves_the_global_random_state():
    before = torch.random.get_rng_state()
    sawtooth(3)
    assert torch.equal(before, torch.random.get_rng_state())
