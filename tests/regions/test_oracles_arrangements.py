"""The engine against closed forms: arrangements, grids, braids, sawtooth, folding networks."""

from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings

from inscape.geometry import Box
from inscape.regions import counting, partition
from inscape.testing import (
    arrangement_net,
    arrangements,
    braid_net,
    grid_net,
    montufar_net,
    random_arrangement,
    sawtooth,
)


def cube(low, high, dimension):
    return Box(low=np.full(dimension, float(low)), high=np.full(dimension, float(high)))


@given(arrangements(max_hyperplanes=12, max_dimension=2))
@settings(max_examples=60)
def test_engine_finds_the_cells_of_every_arrangement(arrangement):
    cells = partition(arrangement_net(arrangement.normals, arrangement.offsets), arrangement.box())
    assert cells.count("activation") == counting.arrangement_cells(arrangement.normals, arrangement.offsets)


@given(arrangements(max_hyperplanes=10, max_dimension=2))
@settings(max_examples=30)
def test_a_convex_sum_of_hinges_is_affine_on_exactly_its_cells(arrangement):
    cells = partition(arrangement_net(arrangement.normals, arrangement.offsets), arrangement.box())
    assert cells.count("activation") == cells.count("connected") == cells.count("affine") == cells.cell_count


@pytest.mark.parametrize(("n", "d"), [(30, 1), (12, 2), (25, 2)])
def test_generic_cells(n, d):
    rows = random_arrangement("generic", n, d)
    cells = partition(arrangement_net(rows.normals, rows.offsets), rows.box())
    assert cells.cell_count == counting.generic_cells(n, d)


@pytest.mark.parametrize("d", [1, 2])
def test_braid(d):
    assert partition(braid_net(d), cube(-1, 1, d)).cell_count == factorial(d + 1)


@pytest.mark.parametrize(("cells", "d"), [(5, 1), (5, 2), (16, 2)])
@pytest.mark.parametrize("degenerate", [True, False])
def test_grid_with_repeated_and_negated_rows(cells, d, degenerate):
    found = partition(grid_net(cells, d, degenerate=degenerate), cube(0, cells, d))
    assert found.cell_count == cells**d
    assert found.volumes == pytest.approx(np.ones(cells**d))


@pytest.mark.parametrize("depth", [1, 2, 5, 10, 12])
def test_sawtooth_has_a_power_of_two_of_pieces(depth):
    cells = partition(sawtooth(depth), cube(0, 1, 1))
    assert cells.count("activation") == cells.count("connected") == cells.count("affine") == 2**depth
    assert np.sort(cells.vertices[:, 0]) == pytest.approx(np.arange(2**depth + 1) / 2**depth, abs=1e-12)


@pytest.mark.parametrize(
    ("widths", "d"), [((8, 8), 2), ((5, 4, 4), 2), ((4, 8, 6), 2), ((16, 16, 9), 2), ((4, 4, 8, 5), 1)]
)
def test_montufar_net_reaches_its_bound(widths, d):
    assert partition(montufar_net(widths, d), cube(0, 1, d)).cell_count == counting.montufar_lower(widths, d)


def test_montufar_net_with_folds_in_three_parts():
    cells = partition(montufar_net((6, 6, 4), 2), cube(0, 1, 2))
    assert cells.cell_count >= counting.montufar_lower((6, 6, 4), 2)
