"""Which cell holds a point, against a look at every cell."""

import inspect

import numpy as np
import pytest

from inscape.geometry import Box, Plane, Segment
from inscape.regions import partition
from inscape.testing import NET_KINDS, grid_net, random_net

SQUARE = Box(low=(-1.0, -1.0), high=(1.0, 1.0))


def holders(cells, t):
    """(n, C) which cells hold each point, walls included."""
    points, offsets = cells.polygons()
    held = np.ones((len(t), cells.cell_count), dtype=bool)
    for cell in range(cells.cell_count):
        corners = points[offsets[cell] : offsets[cell + 1]]
        if cells.dimension == 1:
            held[:, cell] = (t[:, 0] >= corners.min()) & (t[:, 0] <= corners.max())
            continue
        edge = np.roll(corners, -1, axis=0) - corners
        inward = t[:, None] - corners
        held[:, cell] = (edge[:, 0] * inward[..., 1] - edge[:, 1] * inward[..., 0] >= -1e-13).all(1)
    return held


@pytest.mark.parametrize("kind", NET_KINDS)
def test_every_point_lies_in_its_cell(kind):
    cells = partition(random_net([2, 9, 7, 2], kind=kind, rng=3), SQUARE)
    t = np.random.default_rng(0).uniform(-1, 1, (3000, 2))
    found = cells.locate(t)
    assert holders(cells, t)[np.arange(len(t)), found].all()


@pytest.mark.parametrize("kind", NET_KINDS)
def test_corners_edges_and_centroids(kind):
    cells = partition(random_net([2, 9, 7, 2], kind=kind, rng=3), SQUARE)
    ends = cells.vertices[cells.complex.ends]
    t = np.concatenate([cells.vertices, ends.mean(1), cells.centroids])
    found = cells.locate(t)
    assert holders(cells, t)[np.arange(len(t)), found].all()
    big = cells.volumes > 1e-9
    assert np.array_equal(cells.locate(cells.centroids)[big], np.flatnonzero(big))


@pytest.mark.parametrize("widths", [[1, 12, 9, 2], [4, 12, 9, 2]], ids=str)
def test_on_a_line(widths):
    chart = Box(low=(-1,), high=(1,)) if widths[0] == 1 else Segment(np.zeros(4), np.ones(4), margin=0.5)
    cells = partition(random_net(widths, rng=3), chart)
    inside = np.random.default_rng(0).uniform(chart.low, chart.high, (3000, 1))
    t = np.concatenate([inside, cells.vertices, cells.centroids])
    assert holders(cells, t)[np.arange(len(t)), cells.locate(t)].all()
    assert np.array_equal(cells.locate(cells.centroids), np.arange(cells.cell_count))


def test_outside_is_said_so():
    cells = partition(random_net([2, 9, 7, 2], rng=3), SQUARE)
    outside = np.array([[1.01, 0.0], [0.0, -1.01], [-5.0, 5.0], [1e9, 0.0], [np.nan, 0.0]])
    assert (cells.locate(outside) == -1).all()
    assert np.isnan(cells.evaluate(outside)).all()
    line = partition(random_net([1, 9, 2], rng=3), Box(low=(-1,), high=(1,)))
    assert line.locate(np.array([[-1.01], [1.01], [0.0]])).tolist()[:2] == [-1, -1]


def test_unit_squares():
    cells = partition(grid_net(8, 2), Box(low=(0, 0), high=(8, 8)))
    t = np.random.default_rng(1).uniform(0, 8, (2000, 2))
    assert np.array_equal(np.floor(cells.centroids[cells.locate(t)]), np.floor(t))


def test_part_of_a_domain():
    cells = partition(random_net([2, 20, 20, 1], rng=0), SQUARE, max_cells=30)
    t = np.random.default_rng(0).uniform(-1, 1, (500, 2))
    found, held = cells.locate(t), holders(cells, t)
    assert np.array_equal(found >= 0, held.any(1))
    assert held[found >= 0, found[found >= 0]].all()


def test_points_of_input_space_through_the_plane():
    plane = Plane.random(np.zeros(5), radius=1.0, rng=0)
    cells = partition(random_net([5, 9, 7, 2], rng=3), plane)
    x = plane.embed(cells.centroids)
    assert np.array_equal(cells.locate(plane.project(x)), np.arange(cells.cell_count))


def test_one_point_may_come_without_a_batch():
    assert partition(random_net([2, 4, 1], rng=0), SQUARE).locate(np.zeros(2)).shape == (1,)


def test_points_of_another_dimension_are_named():
    cells = partition(random_net([2, 4, 1], rng=0), SQUARE)
    with pytest.raises(ValueError, match="expected points with 2 chart coordinates"):
        inspect.unwrap(type(cells).locate)(cells, np.zeros((4, 3)))


@pytest.mark.parametrize("cell", [-1, 10**6])
def test_cells_that_are_not_there_are_named(cell):
    cells = partition(random_net([2, 4, 1], rng=0), SQUARE)
    for ask in (cells.facets, cells.chebyshev, cells.jacobian):
        with pytest.raises(ValueError, match=f"expected a cell number from 0 to .*, got {cell}"):
            ask(cell)
