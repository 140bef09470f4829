"""Cells read off vertices and edges: volumes, sides and patterns of every cell, and complexes that are not simple."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from inscape.geometry import Box, plan
from inscape.geometry._hashed import subdivide_edges
from inscape.geometry._kernels_skeleton import renumber, sweep
from inscape.geometry._skeleton import _connected, close_cells, count_cells
from inscape.network import read
from inscape.testing import arrangement_net, layers_of, random_net

NETS = [[3, 7, 1], [3, 5, 5, 1], [4, 6, 3, 1], [5, 4, 3, 1], [6, 3, 1]]


def cube(dimension):
    return Box(low=np.full(dimension, -1.0), high=np.full(dimension, 1.0))


def skeleton_of(widths, seed=0):
    return subdivide_edges(plan(read(random_net(widths, rng=seed)), cube(widths[0])))


def preactivations(model, x):
    """All hidden units before their ReLU, without the library's own front end."""
    out = [np.zeros((len(x), 0))]
    for weight, bias in layers_of(model)[:-1]:
        z = x @ weight.T + bias
        out.append(z)
        x = np.maximum(z, 0.0)
    return np.concatenate(out, axis=1)


def sides_of(cells, c):
    """(corners, sides) which corner of cell c lies on which of its sides."""
    corners = slice(cells.start[c], cells.start[c + 1])
    count = cells.side_start[c + 1] - cells.side_start[c]
    place = np.arange(count)
    return (cells.masks[corners][:, place >> 6] >> (place & 63).astype(np.uint64)) & np.uint64(1) == 1


def patterns(skeleton, cells):
    steps = skeleton.plan.steps
    found = [cells.pattern(k, steps[at.step], cells.ancestors(k)) for k, at in enumerate(cells.levels)]
    return np.concatenate([np.zeros((cells.cell_count, 0), bool), *found], axis=1)


@pytest.mark.interpreted
@pytest.mark.parametrize("widths", NETS, ids=str)
def test_cells_fill_the_window_and_lie_where_their_patterns_say(widths):
    model, d = random_net(widths, rng=1), widths[0]
    skeleton = skeleton_of(widths, 1)
    cells = close_cells(skeleton)
    assert cells.cell_count == count_cells(skeleton)
    assert len(cells.corners) == skeleton.corner_count
    points = [cells.vertices[cells.corners[a:b]] for a, b in zip(cells.start[:-1], cells.start[1:], strict=True)]
    assert np.isclose(sum(ConvexHull(corners).volume for corners in points), 2.0**d)
    signs = preactivations(model, np.array([corners.mean(0) for corners in points])) > 0
    assert np.array_equal(patterns(skeleton, cells), signs)


@pytest.mark.interpreted
@pytest.mark.parametrize("widths", NETS, ids=str)
def test_corners_lie_on_their_sides_and_every_side_has_its_facet(widths):
    model, d = random_net(widths, rng=2), widths[0]
    cells = close_cells(skeleton_of(widths, 2))
    walls = np.stack([cells.vertices + 1, cells.vertices - 1], axis=2).reshape(len(cells.vertices), -1)
    distances = np.concatenate([walls[:, ::-1], preactivations(model, cells.vertices)], axis=1)
    for c in range(cells.cell_count):
        corners, on = cells.corners[cells.start[c] : cells.start[c + 1]], sides_of(cells, c)
        labels = cells.side_label[cells.side_start[c] : cells.side_start[c + 1]]
        assert len(set(labels.tolist())) == len(labels)
        assert (on.sum(1) == d).all()  # a simple polytope
        distance = distances[corners][:, labels + 2 * d]
        assert (np.abs(distance[on]) < 1e-9).all()
        assert (np.abs(distance[~on]) > 1e-9).all()
        assert len(np.unique(on, axis=0)) == len(on)
        hull = ConvexHull(cells.vertices[corners])
        assert len(np.unique(np.round(hull.equations, 6), axis=0)) == len(labels)


@pytest.mark.parametrize("widths", [[3, 6, 5, 4, 1], [4, 6, 5, 1]], ids=str)
def test_levels_are_the_cells_of_the_first_layers(widths):
    skeleton = skeleton_of(widths, 3)
    cells = close_cells(skeleton)
    model = random_net(widths, rng=3)
    for depth in range(1, len(widths) - 1):
        alone = close_cells(subdivide_edges(plan(read(model[: 2 * depth]), cube(widths[0]))))
        assert len(cells.levels[depth - 1].bits) == alone.cell_count
        assert np.array_equal(cells.levels[depth - 1].bits, alone.levels[-1].bits)
        assert np.array_equal(cells.levels[depth - 1].parent, alone.levels[-1].parent)
    assert np.array_equal(cells.ancestors(len(cells.levels) - 1), np.arange(cells.cell_count))


def test_a_cell_with_more_sides_than_a_word_has_bits():
    """Tangent planes of the unit sphere: the cell around the origin has a side on each of them."""
    normals = np.random.default_rng(5).normal(size=(70, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    skeleton = subdivide_edges(plan(read(arrangement_net(normals, np.ones(70))), Box(low=[-2] * 3, high=[2.1] * 3)))
    cells = close_cells(skeleton)
    inner = int(np.flatnonzero(patterns(skeleton, cells).all(1)).item())
    labels = cells.side_label[cells.side_start[inner] : cells.side_start[inner + 1]]
    assert (labels >= 0).sum() == 70
    assert cells.masks.shape[1] == 2
    assert (sides_of(cells, inner).sum(1) == 3).all()
    assert np.isclose(
        sum(
            ConvexHull(cells.vertices[cells.corners[a:b]]).volume
            for a, b in zip(cells.start[:-1], cells.start[1:], strict=True)
        ),
        4.1**3,
    )


@pytest.mark.interpreted
@pytest.mark.parametrize("limit", [1, 7, 10**6])
def test_some_of_the_cells(limit):
    skeleton = skeleton_of([3, 5, 4, 1], 4)
    whole, some = close_cells(skeleton), close_cells(skeleton, max_cells=limit)
    assert some.cell_count == min(limit, whole.cell_count)
    assert {tuple(row) for row in patterns(skeleton, some)} <= {tuple(row) for row in patterns(skeleton, whole)}
    assert np.array_equal(np.unique(some.corners), np.arange(len(some.vertices)))
    model = random_net([3, 5, 4, 1], rng=4)
    centres = np.add.reduceat(some.vertices[some.corners], some.start[:-1]) / np.diff(some.start)[:, None]
    assert np.array_equal(patterns(skeleton, some), preactivations(model, centres) > 0)


def test_too_many_corners_for_the_memory():
    skeleton = skeleton_of([3, 5, 4, 1], 4)
    assert close_cells(skeleton, max_bytes=16 * skeleton.corner_count) is None
    assert close_cells(skeleton, max_bytes=16 * skeleton.corner_count + 32 * skeleton.vertex_count) is not None


def without_an_edge(lines):
    return type(lines)(*(array[1:] for array in lines))


def with_an_edge_twice(lines):
    return type(lines)(*(np.concatenate([array, array[:1]]) for array in lines))


@pytest.mark.interpreted
@pytest.mark.parametrize("damage", [without_an_edge, with_an_edge_twice])
def test_a_complex_that_is_not_simple_is_noticed(damage):
    skeleton = skeleton_of([3, 4, 1], 5)
    damaged = replace(skeleton, lines=damage(skeleton.lines))
    assert count_cells(damaged) is None
    assert close_cells(damaged) is None


@pytest.mark.interpreted
def test_a_sweep_in_a_wrong_order_is_noticed():
    skeleton = skeleton_of([3, 4, 1], 6)
    graph, count = _connected(skeleton), count_cells(skeleton)
    upwards = np.argsort(skeleton.points.height)
    cell, lowest = np.full((len(upwards), 8), -1, np.int32), np.empty((count, 2), np.int32)
    assert sweep(graph, upwards, cell.copy(), lowest) == count
    assert sweep(graph, upwards[::-1].copy(), cell, lowest) == -1


@pytest.mark.interpreted
def test_cells_get_other_numbers():
    cell, first = np.array([[0, 2], [-1, 1], [1, -1]], np.int32), np.empty(3, np.int32)
    renumber(np.array([1, -1, 0], np.int32), cell, first)
    assert cell.tolist() == [[1, 0], [-1, -1], [-1, -1]]
    assert first.tolist() == [0, 3, 3]
