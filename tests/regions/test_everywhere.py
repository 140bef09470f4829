"""The whole input space, reached by doubling a box."""

import numpy as np
import pytest

from inscape.geometry import Box
from inscape.regions import Everywhere, counting, partition
from inscape.results import Verdict
from inscape.testing import arrangement_net, braid_net, grid_net, random_arrangement, random_net


@pytest.mark.parametrize("n", [1, 3, 8, 15])
def test_lines_in_general_position(n):
    rows = random_arrangement("generic", n, 2, rng=0)
    found = partition(arrangement_net(rows.normals, rows.offsets), Everywhere())
    assert found.cell_count == counting.generic_cells(n, 2)
    assert found.status.verdict is Verdict.STABLE
    assert "half side" in found.status.detail


def test_points_on_the_line():
    rows = random_arrangement("generic", 9, 1, rng=0)
    assert partition(arrangement_net(rows.normals, rows.offsets), Everywhere()).cell_count == 10


def test_concurrent_lines_are_stable_at_once():
    found = partition(braid_net(2), Everywhere())
    assert found.cell_count == 6
    assert found.status.verdict is Verdict.STABLE


def test_stable_is_not_exact():
    """Nothing lies within 0.04 of the origin, so that a tiny start sees one cell three times."""
    model = grid_net(9, 2, degenerate=False)
    assert partition(model, Everywhere(start=2.0)).cell_count == 81
    near = partition(model, Everywhere(start=0.01))
    assert (near.cell_count, near.status.verdict) == (1, Verdict.STABLE)


def test_same_cells_as_in_a_large_box():
    model = random_net([2, 6, 5, 1], rng=1)
    everywhere = partition(model, Everywhere())
    box = partition(model, Box(low=(-1e5, -1e5), high=(1e5, 1e5)))
    assert everywhere.count("activation") == box.count("activation")
    ours, theirs = (np.unique(cells.patterns(), axis=0) for cells in (everywhere, box))
    assert np.array_equal(ours, theirs)


def test_limit_is_said():
    found = partition(random_net([2, 20, 20, 1], rng=1), Everywhere(), max_cells=10)
    assert found.status.verdict is Verdict.LIMIT


def test_a_count_that_does_not_settle_is_refused():
    rows = random_arrangement("generic", 8, 2, rng=0)
    with pytest.raises(ValueError, match=r"did not settle in 2 doublings .* give a Box instead"):
        partition(arrangement_net(rows.normals, rows.offsets), Everywhere(doublings=2))


def test_spaces_of_higher_dimension_are_refused():
    with pytest.raises(ValueError, match="expected a domain of dimension 1 to 6, got dimension 7"):
        partition(random_net([7, 4, 1], rng=0), Everywhere())
