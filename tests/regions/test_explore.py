"""Exploration: complete counts against closed forms, brute force and the cutting engine; order, limits, files."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import nn

import inscape
from inscape._errors import DomainError, InputError, InputTypeError
from inscape.geometry import Box, Plane, Segment
from inscape.network import read
from inscape.regions import counting, explore, partition
from inscape.results import Verdict
from inscape.testing import (
    NET_KINDS,
    arrangement_net,
    braid_net,
    cells_by_lp,
    count_by_lp,
    grid_net,
    random_arrangement,
    random_net,
    unchanged,
)


def cube(dimension):
    return Box(low=np.full(dimension, -1.0), high=np.full(dimension, 1.0))


def rows(patterns):
    return {row.tobytes() for row in np.asarray(patterns, dtype=np.uint8)}


@pytest.mark.parametrize(("n", "d"), [(5, 2), (9, 2), (6, 3), (6, 4), (6, 5), (6, 6), (3, 5)])
def test_all_of_space_has_the_regions_of_zaslavsky(n, d):
    arrangement = random_arrangement("generic", n, d)
    found = explore(arrangement_net(arrangement.normals, arrangement.offsets), np.zeros(d), order="breadth-first")
    assert found.complete
    assert found.cell_count == counting.generic_cells(n, d)
    bounded = np.isfinite(found.radii)
    assert bounded.sum() >= counting.bounded_cells(n, d)  # slabs without end have a finite radius, too
    assert found.graph().sum() == 2 * len(found.edges) == found.facet_counts.sum()


@pytest.mark.parametrize("kind", ["parallel", "duplicated", "negated", "central"])
@pytest.mark.parametrize("d", [2, 3, 4])
def test_degenerate_arrangements_without_walls(kind, d):
    arrangement = random_arrangement(kind, 6, d, rng=5)
    found = explore(arrangement_net(arrangement.normals, arrangement.offsets), np.zeros(d))
    expected = counting.arrangement_cells(arrangement.normals, arrangement.offsets)
    assert found.complete
    assert found.cell_count == expected


def test_braid_and_grid():
    assert explore(braid_net(3), np.zeros(3)).cell_count == 24
    grid = explore(grid_net(3, 3), np.full(3, 0.5))
    assert grid.cell_count == 27
    assert np.isfinite(grid.radii).sum() == 19  # all but the 8 corners have two parallel walls


@pytest.mark.parametrize(
    "widths", [[2, 6, 5, 1], [3, 6, 1], [3, 5, 4, 1], [4, 5, 1], [4, 4, 3, 1], [5, 5, 1], [6, 4, 1]], ids=str
)
def test_a_box_has_the_patterns_of_brute_force(widths):
    model, box = random_net(widths, rng=11), cube(widths[0])
    found = explore(model, np.full(widths[0], 0.05), domain=box)
    assert str(found.status) == "exact"
    assert rows(found.patterns()) == rows(cells_by_lp(model, box))


@pytest.mark.parametrize("kind", [kind for kind in NET_KINDS if kind != "generic"])
def test_degenerate_nets_in_a_box_have_the_patterns_of_brute_force(kind):
    model = random_net([3, 4, 3, 1], kind=kind, rng=3)
    found = explore(model, np.zeros(3), domain=cube(3))
    assert found.complete
    assert rows(found.patterns()) == rows(cells_by_lp(model, cube(3)))


def layered(d, *, kind):
    """Networks of all kinds of pieces."""
    torch.manual_seed(5)
    inner = {
        "maxout": (nn.Unflatten(1, (1, 9)), nn.MaxPool1d(3), nn.Flatten()),
        "clamp": (nn.ReLU6(), nn.Linear(9, 3), nn.Hardtanh()),
        "leaky": (nn.LeakyReLU(0.1), nn.Linear(9, 3), nn.LeakyReLU(0.1)),
    }[kind]
    model = nn.Sequential(nn.Linear(d, 9), *inner, nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).double()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn_like(p))
    return model


@pytest.mark.parametrize("kind", ["maxout", "clamp", "leaky"])
@pytest.mark.parametrize("d", [1, 2])
def test_regions_graph_and_maps_are_those_of_the_cutting_engine(kind, d):
    model = read(layered(d, kind=kind), np.zeros((1, d)))
    cells = partition(model, cube(d))
    found = explore(model, np.full(d, 0.1), domain=cube(d), max_cells=10_000)
    assert found.complete
    assert found.cell_count == cells.cell_count
    place = cells.locate(found.centres)
    assert len(np.unique(place)) == cells.cell_count
    assert np.array_equal(found.patterns(), cells.patterns(place))
    assert np.allclose(found.affine_maps(), cells.affine_maps[place])
    wanted = (cells.graph() != 0).toarray()[np.ix_(place, place)]
    assert np.array_equal((found.graph() != 0).toarray(), wanted)
    inside = [cells.chebyshev(cell)[1] for cell in place.tolist()[:40]]
    assert found.radii[:40] == pytest.approx(inside, rel=1e-5, abs=1e-9)
    assert np.array_equal(found.locate(found.centres), np.arange(found.cell_count))


def test_a_plane_and_a_segment_of_a_larger_space():
    model = random_net([7, 8, 6, 2], rng=2)
    plane = Plane.random(np.zeros(7), radius=1.5, rng=1)
    segment = Segment(np.full(7, -1.0), np.full(7, 1.0))
    for chart in (plane, segment):
        found = explore(model, np.zeros(7), domain=chart)
        cells = partition(model, chart)
        assert found.complete
        assert found.cell_count == cells.cell_count
        assert rows(found.patterns()) == rows(cells.patterns())


def test_affine_maps_are_the_model_at_the_centres():
    model = layered(5, kind="maxout")
    found = explore(model, np.zeros(5), domain=cube(5), max_cells=40)
    maps = found.affine_maps()
    values = maps[:, :, 0] + np.einsum("cod,cd->co", maps[:, :, 1:], found.centres)
    assert np.allclose(values, read(model, np.zeros((1, 5))).evaluate(found.centres))
    region = found.region(3)
    assert np.allclose(region.output, maps[3])
    assert region.slack(found.centres[[3]])[0].min() == pytest.approx(found.radii[3], rel=0.5)
    assert np.allclose(found.affine_maps(np.array([7, 3])), maps[[7, 3]], rtol=1e-12)


def distance(region, x, box):
    """Distance of a point from a region inside a box, by a general solver."""
    length = np.linalg.norm(region.normals, axis=1)
    a, b = region.normals / length[:, None], region.offsets / length
    best = minimize(
        lambda y: ((y - x) ** 2).sum(),
        x,
        jac=lambda y: 2 * (y - x),
        bounds=list(zip(box.low, box.high, strict=True)),
        constraints={"type": "ineq", "fun": lambda y: b - a @ y, "jac": lambda y: -a},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    return np.sqrt(best.fun)


def test_best_first_takes_regions_by_their_distance():
    model, box, start = random_net([3, 7, 5, 1], rng=4), cube(3), np.array([0.3, -0.2, 0.1])
    found = explore(model, start, domain=box)
    assert (np.diff(found.priorities) >= -1e-9).all()
    chosen = np.arange(0, found.cell_count, 9)
    measured = [distance(found.region(int(cell)), start, box) for cell in chosen]
    assert found.priorities[chosen] == pytest.approx(measured, abs=1e-5)


def test_several_starts_and_the_nearest_counts():
    model, starts = random_net([3, 7, 5, 1], rng=4), np.array([[0.8, 0.8, 0.8], [-0.8, -0.8, -0.8]])
    both = explore(model, starts, domain=cube(3))
    single = [explore(model, start, domain=cube(3)) for start in starts]
    assert rows(both.packed) == rows(single[0].packed) == rows(single[1].packed)
    by_key = [dict(zip(map(bytes, one.packed), one.priorities, strict=True)) for one in single]
    least = [min(part[bytes(row)] for part in by_key) for row in both.packed]
    assert both.priorities == pytest.approx(least, abs=1e-8)


def test_breadth_first_counts_steps():
    from scipy.sparse.csgraph import shortest_path

    found = explore(random_net([3, 6, 4, 1], rng=1), np.zeros(3), domain=cube(3), order="breadth-first")
    steps = shortest_path(found.graph(), unweighted=True, indices=0)
    assert found.priorities.tolist() == steps.tolist()


def test_own_order_is_called_with_points_of_the_input_space():
    seen = []

    def height(x):
        seen.append(np.shape(x))
        return -x[0, 1]

    model = nn.Sequential(nn.Flatten(), *random_net([4, 8, 1], rng=0))
    found = explore(model, np.zeros((1, 2, 2)), domain=None, order=height, max_cells=10)
    assert set(seen) == {(2, 2)}
    assert found.provenance.options["order"] == "height"
    assert found.cell_count == 10


def test_limits_are_statuses_and_partial_results_are_parts():
    model = random_net([4, 10, 8, 1], rng=2)
    part = explore(model, np.zeros(4), domain=cube(4), max_cells=25, rng=3)
    assert part.cell_count == part.status.count == 25
    assert part.status.verdict is Verdict.LIMIT
    assert part.frontier > 0
    assert not part.complete
    assert part.estimate.samples == 1000
    assert "95 %" in part.summary()
    more = explore(model, np.zeros(4), domain=cube(4), max_cells=60, rng=3)
    assert np.array_equal(more.packed[:25], part.packed)
    assert more.estimate == part.estimate


def test_estimate_bounds_the_truth_from_below():
    model = random_net([3, 6, 5, 1], rng=0)
    part = explore(model, np.zeros(3), domain=cube(3), max_cells=5, rng=0)
    whole = explore(model, np.zeros(3), domain=cube(3), max_cells=10_000, order="breadth-first")
    assert whole.estimate is None
    assert part.estimate.observed <= whole.cell_count == count_by_lp(model, cube(3))
    assert part.estimate.low < whole.cell_count


def test_timeout_keeps_what_was_found():
    found = explore(random_net([6, 12, 12, 1], rng=0), np.zeros(6), timeout=0.4, max_cells=10**6)
    assert found.status.detail.startswith("timeout reached")
    assert found.cell_count > 0
    assert found.frontier > 0
    assert found.estimate is None


def test_interruption_keeps_what_was_found():
    class Impatient:
        seen = 0

        def start(self, description, total):
            assert total == 1000

        def advance(self, amount):
            self.seen += amount
            if self.seen == 7:
                raise KeyboardInterrupt

        def stop(self):
            self.stopped = True

    shown = Impatient()
    found = explore(random_net([3, 9, 5, 1], rng=0), np.zeros(3), domain=cube(3), progress=shown)
    assert found.cell_count == 7
    assert found.status.detail.startswith("interrupted")
    assert shown.stopped


def test_a_start_on_hyperplanes_and_in_a_corner():
    model = random_net([3, 5, 4, 1], kind="bias_free", rng=0)
    assert explore(model, np.zeros(3)).cell_count == explore(model, np.array([0.3, 0.2, -0.5])).cell_count
    corner = explore(model, np.ones(3), domain=cube(3))
    assert corner.cell_count == count_by_lp(model, cube(3))


def test_many_inputs():
    model = random_net([60, 12, 8, 3], rng=0)
    found = explore(model, np.zeros(60), max_cells=12)
    assert found.cell_count == 12
    assert np.isinf(found.radii).all()  # 20 half-spaces in 60 dimensions
    assert (found.facet_counts <= 20).all()
    assert (np.diff(found.priorities) >= -1e-9).all()


def test_a_network_without_kinks_is_one_region():
    found = explore(nn.Linear(3, 2), np.zeros(3))
    assert (found.cell_count, found.complete, str(found.status)) == (1, True, "exact")
    assert found.affine_maps().shape == (1, 2, 4)
    assert found.patterns().shape == (1, 0)


def test_table_figure_and_citation():
    found = explore(random_net([3, 6, 1], rng=0), np.zeros(3), domain=cube(3))
    table = found.columns()
    assert {len(column) for column in table.values()} == {found.cell_count}
    lines = found.info().series[0]
    assert lines.y[-1] == found.cell_count
    assert (np.diff(lines.x) >= 0).all()
    assert "Clarkson" in found.cite()
    assert "Chao" in found.cite()


def test_files(tmp_path):
    made = explore(layered(3, kind="maxout"), np.zeros(3), domain=cube(3), max_cells=20, rng=1)
    loaded = inscape.load(made.save(tmp_path / "found"))
    assert loaded.facts() == made.facts()
    for one in fields(made):
        if one.name not in {"plan", "domain", "code"}:
            assert np.array_equal(getattr(loaded, one.name), getattr(made, one.name)), one.name
    assert np.array_equal(loaded.patterns(), made.patterns())
    assert (loaded.graph() != made.graph()).nnz == 0
    with pytest.raises(InputError, match="loaded from a file"):
        loaded.region(0)


def test_untouched():
    model = nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(), nn.Linear(6, 2), nn.Softmax(1))
    model.train()
    with unchanged(model):
        found = explore(model, torch.zeros(3))
    assert found.head == "Softmax"
    assert "the input of Softmax" in found.summary()


def test_misuse_is_named():
    model = random_net([3, 4, 1], rng=0)
    with pytest.raises(DomainError, match="point 1 outside"):
        explore(model, [[0, 0, 0], [2, 0, 0]], domain=cube(3))
    with pytest.raises(DomainError, match="point 0 outside"):
        explore(model, [0.0, 0.0, 0.1], domain=Plane.through((0, 0, 0), (1, 0, 0), (0, 1, 0)))
    with pytest.raises(DomainError, match="input space"):
        explore(model, np.zeros(3), domain=cube(2))
    with pytest.raises(InputError, match=r"shape \(n, \*\(3,\)\)"):
        explore(read(model), np.zeros((2, 4)))
    with pytest.raises(InputError, match="finite point"):
        explore(model, [0.0, np.nan, 0.0])
    with pytest.raises(InputError, match="max_cells ≥ 1"):
        explore(model, np.zeros(3), max_cells=0)
    with pytest.raises(InputError, match="seconds > 0"):
        explore(model, np.zeros(3), timeout=-1.0)
    found = explore(model, np.zeros(3))
    with pytest.raises(InputError, match="region number from 0"):
        found.region(99)
    with pytest.raises(InputError, match="3 coordinates"):
        found.locate(np.zeros((1, 2)))
    from inspect import unwrap

    with pytest.raises(InputError, match="'best-first'"):
        unwrap(explore)(model, np.zeros(3), order="worst-first")
    with pytest.raises(InputTypeError, match="got list"):
        unwrap(explore)(model, np.zeros(3), domain=[0, 1])
