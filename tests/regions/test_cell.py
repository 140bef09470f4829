"""Facts about single cells and their neighbours, in every dimension."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import linprog

from inscape._errors import InputError
from inscape.geometry import Box
from inscape.network import read
from inscape.regions import partition
from inscape.results import load
from inscape.testing import grid_net, random_net


def cube(d):
    return Box(low=[-1.0] * d, high=[1.0] * d)


@pytest.fixture(scope="module", params=[[1, 8, 5, 2], [2, 8, 6, 2], [3, 8, 6, 2], [4, 6, 4, 2], [5, 5, 3, 1]], ids=str)
def cells(request):
    widths = request.param
    return partition(random_net(widths, rng=2), cube(widths[0]))


def some(cells):
    return range(0, cells.cell_count, 1 + cells.cell_count // 30)


def test_facets_hold_their_corners_and_know_their_neighbour(cells):
    for cell in some(cells):
        for facet in cells.facets(cell):
            assert np.abs(facet["ends"] @ facet["normal"] - facet["offset"]).max() < 1e-12
            assert facet["normal"] @ cells.centroids[cell] < facet["offset"]
            assert len(facet["ends"]) >= min(cells.dimension, 2)
            if facet["neighbour"] < 0:
                assert (np.abs(np.abs(facet["ends"]) - 1) < 1e-12).all(0).any()
                continue
            (back,) = [f for f in cells.facets(facet["neighbour"]) if f["neighbour"] == cell]
            assert np.array_equal(back["normal"], -facet["normal"])
            assert np.array_equal(np.unique(back["ends"], axis=0), np.unique(facet["ends"], axis=0))
            assert back["area"] == facet["area"]


def test_the_unit_of_a_facet_vanishes_on_it(cells):
    if cells.dimension == 1:
        assert {facet["predicate"] for cell in some(cells) for facet in cells.facets(cell)} == {-1}
        return
    flat = [(1, 0), (0, 1), (1, 1), (0, 0)]
    network = cells.subdivision.plan.program
    names = {node.name: i for i, node in enumerate(network.nodes)}
    for cell in some(cells):
        for facet in cells.facets(cell):
            if facet["module"] == "wall":
                side = facet["predicate"]
                axis, high = flat[side] if cells.dimension == 2 else divmod(side, 2)
                assert np.allclose(facet["ends"][:, axis], 1 if high else -1)
                continue
            values = facet["ends"]
            for node in network.nodes[1 : names[facet["module"]]]:
                values = node.apply(values)
            assert np.abs(values[:, facet["predicate"]]).max() < 1e-12


def test_largest_ball_touches_enough_sides_and_is_the_best(cells):
    for cell in some(cells):
        centre, radius = cells.chebyshev(cell)
        facets = cells.facets(cell)
        gaps = np.array([facet["offset"] - facet["normal"] @ centre for facet in facets])
        assert gaps.min() == pytest.approx(radius, abs=1e-9)
        table = np.array([[*facet["normal"], 1.0, facet["offset"]] for facet in facets])
        goal = np.append(np.zeros(cells.dimension), -1.0)
        best = linprog(goal, A_ub=table[:, :-1], b_ub=table[:, -1], bounds=(None, None), method="highs-ipm")
        assert radius == pytest.approx(-best.fun, abs=1e-7)
        assert cells.locate(centre[None])[0] == cell or radius < 1e-9


def test_graph_weighs_the_common_facets(cells):
    graph = cells.graph()
    assert (graph != graph.T).nnz == 0
    for cell in some(cells):
        mine = {facet["neighbour"]: facet["area"] for facet in cells.facets(cell) if facet["neighbour"] >= 0}
        row = graph[[cell]].tocoo()
        assert dict(zip(row.coords[1].tolist(), row.data.tolist(), strict=True)) == mine


def test_cells_at_the_wall(cells):
    for cell in some(cells):
        assert cells.touches_wall[cell] == any(facet["neighbour"] < 0 for facet in cells.facets(cell))


def test_numbers_of_faces(cells):
    found = cells.f_vector()
    assert len(found) == cells.dimension + 1
    assert found[-1] == cells.cell_count
    assert found[0] == len(cells.vertices)
    assert found[::2].sum() - found[1::2].sum() == 1


def test_points_are_located_and_evaluated(cells):
    t = np.random.default_rng(0).uniform(-1, 1, (400, cells.dimension))
    values = cells.subdivision.plan.program.evaluate(t).reshape(len(t), -1)
    assert np.allclose(cells.evaluate(t), values, atol=1e-12)
    outside = np.full((1, cells.dimension), 1.5)
    assert cells.locate(outside).tolist() == [-1]
    assert np.isnan(cells.evaluate(outside)).all()


def test_audit_passes(cells):
    found = cells.verify(points=300)
    assert found.passed, found
    assert found.euler == 1


def test_a_file_keeps_what_is_derived(cells, tmp_path):
    again = load(cells.save(tmp_path / "cells"))
    assert np.array_equal(again.volumes, cells.volumes)
    assert np.array_equal(again.f_vector(), cells.f_vector())
    for ours, theirs in pairwise([again.facets(0), cells.facets(0)]):
        assert [facet["module"] for facet in ours] == [facet["module"] for facet in theirs]


def test_a_partition_of_space_has_no_figure():
    with pytest.raises(InputError, match="dimension 3 has no figure; partition a Plane"):
        partition(random_net([3, 4, 1], rng=0), cube(3)).info()


def test_grid_of_cubes():
    cells = partition(read(grid_net(3, 3)), Box(low=(0, 0, 0), high=(3, 3, 3)))
    assert cells.f_vector().tolist() == [64, 144, 108, 27]
    middle = int(cells.locate(np.array([[1.5, 1.5, 1.5]]))[0])
    facets = cells.facets(middle)
    assert sorted(facet["area"] for facet in facets) == pytest.approx([1.0] * 6)
    centre, radius = cells.chebyshev(middle)
    assert (radius, *centre) == pytest.approx((0.5, 1.5, 1.5, 1.5))
    assert not cells.touches_wall[middle]
    assert cells.touches_wall.sum() == 26
