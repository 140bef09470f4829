"""Edge subdivision against closed forms, linear programs, the cell-splitting engine and another program."""

from itertools import combinations, pairwise
from math import comb

import affinitree
import numpy as np
import pytest
import torch
from affinitree import builder
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from inscape.geometry import Box, Maximum, plan, subdivide
from inscape.geometry._hashed import eligible, subdivide_edges
from inscape.geometry._skeleton import close_cells, count_cells
from inscape.network import read
from inscape.testing import (
    KINDS,
    arrangement_net,
    braid_net,
    cells_by_lp,
    grid_net,
    layers_of,
    moment_curve,
    random_arrangement,
    random_net,
    sequential,
)


def cube(dimension, *, centre=0.0):
    return Box(low=np.full(dimension, centre - 1.0), high=np.full(dimension, centre + 1.0))


def laid(model, box, **options):
    return plan(read(model), box, **options)


def patterns(plan, cells):
    """(C, units) signs of all steps on all cells."""
    steps = [
        cells.pattern(k, plan.steps[level.step], cells.ancestors(k)).astype(bool)
        for k, level in enumerate(cells.levels)
    ]
    return np.concatenate(steps, axis=1)


def rows(table):
    return {tuple(row) for row in np.asarray(table, dtype=bool).tolist()}


def default_net(*widths, seed=0):
    torch.manual_seed(seed)
    layers = [layer for a, b in pairwise(widths[:-1]) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1]))


def zaslavsky(n, d):
    return sum(comb(n, i) for i in range(d + 1))


def uneven(box):
    """A box in whose corners and faces hyperplanes with whole coefficients do not meet by accident."""
    a = np.arange(box.dimension)
    return Box(low=box.low - 0.1 * np.sqrt(2 + a), high=box.high + 0.1 * np.sqrt(3 + a))


@pytest.mark.interpreted
@pytest.mark.parametrize(("n", "d"), [(1, 3), (5, 3), (5, 4), (4, 5), (2, 6)])
def test_few_hyperplanes_in_general_position(n, d):
    lines = moment_curve(n, d)
    skeleton = subdivide_edges(laid(arrangement_net(lines.normals, lines.offsets), uneven(lines.box())))
    assert count_cells(skeleton) == close_cells(skeleton).cell_count == zaslavsky(n, d)


@pytest.mark.interpreted
def test_an_affine_network_has_one_cell():
    skeleton = subdivide_edges(laid(nn.Linear(4, 2), cube(4)))
    cells = close_cells(skeleton)
    assert count_cells(skeleton) == cells.cell_count == 1
    assert len(cells.vertices) == 16
    assert sorted(cells.side_label.tolist()) == list(range(-8, 0))
    assert cells.levels == ()


@pytest.mark.parametrize(("n", "d"), [(25, 3), (20, 4), (12, 5), (10, 6)])
def test_many_hyperplanes_in_general_position(n, d):
    """Tangents of a ball, of which every d meet inside a large box."""
    rng = np.random.default_rng(d)
    normals = rng.normal(size=(n, d))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    skeleton = subdivide_edges(laid(arrangement_net(normals, np.ones(n)), Box(low=[-1e5] * d, high=[1.1e5] * d)))
    assert count_cells(skeleton) == zaslavsky(n, d)
    assert (skeleton.points.label >= 0).all(1).sum() == comb(n, d)


def test_seventy_planes_in_a_cube():
    """Two words of signs. A convex body has one cell for each flat of a simple arrangement that meets it."""
    rng = np.random.default_rng(1)
    normals, offsets = rng.normal(size=(70, 3)), 0.5 * rng.normal(size=70)
    planes = [i for i in range(70) if abs(offsets[i]) < np.abs(normals[i]).sum()]
    lines = sum(meets_cube(normals[[i, j]], offsets[[i, j]]) for i, j in combinations(planes, 2))
    triples = np.array(list(combinations(planes, 3)))
    points = np.linalg.solve(normals[triples], -offsets[triples][..., None])[..., 0]
    expected = 1 + len(planes) + lines + int((np.abs(points) < 1).all(1).sum())
    assert count_cells(subdivide_edges(laid(arrangement_net(normals, offsets), cube(3)))) == expected


def meets_cube(normals, offsets):
    """Whether the line on two planes meets the cube [-1, 1]³."""
    point = np.linalg.lstsq(normals, -offsets, rcond=None)[0]
    direction = np.cross(*normals)
    ends = np.sort([(-1 - point) / direction, (1 - point) / direction], axis=0)
    return ends[0].max() < ends[1].min()


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("widths", [[3, 6], [3, 5, 4], [3, 3, 2, 2], [4, 5, 3], [5, 4, 3], [6, 5, 2]], ids=str)
def test_the_patterns_are_those_of_linear_programs(widths, seed):
    model, box = random_net([*widths, 1], rng=seed), cube(widths[0])
    made = laid(model, box)
    skeleton = subdivide_edges(made)
    found, truth = patterns(made, close_cells(skeleton)), cells_by_lp(model, box)
    assert rows(found) == rows(truth)
    assert len(found) == len(truth) == count_cells(skeleton)


@pytest.mark.parametrize("widths", [(3, 12, 12, 1), (4, 10, 10, 1), (5, 9, 6, 1)], ids=str)
def test_the_count_is_that_of_affinitree(widths):
    model = default_net(*widths).double()
    architecture = affinitree.Architecture(widths[0])
    for weight, bias in layers_of(model)[:-1]:
        architecture.linear(affinitree.AffFunc.from_mats(weight, bias))
        architecture.relu()
    walls = affinitree.Polytope.hyperrectangle(widths[0], [(-1.0, 1.0)] * widths[0])
    inside = affinitree.AffTree.from_poly(walls, affinitree.AffFunc.identity(widths[0]))
    leaves = builder.from_layers(architecture, inside).num_terminals()
    assert count_cells(subdivide_edges(laid(model, cube(widths[0])))) == leaves


@pytest.mark.parametrize("widths", [(3, 20, 20, 20, 1), (4, 14, 14, 1), (5, 12, 12, 1), (6, 10, 8, 1)], ids=str)
def test_everything_is_as_cell_splitting_has_it(widths):
    network, box = read(default_net(*widths)), cube(widths[0])
    made = subdivide(network, box)
    theirs, ours = made.complex, close_cells(subdivide_edges(plan(network, box)))
    for name in ("vertices", "corners", "side_label", "doubt"):
        assert len(getattr(ours, name)) == len(getattr(theirs, name))
    assert [len(level.bits) for level in ours.levels] == [len(level.bits) for level in theirs.levels]
    assert [level.step for level in ours.levels] == [level.step for level in theirs.levels]
    assert rows(patterns(made.plan, ours)) == rows(patterns(made.plan, theirs))
    assert len(ours.neighbours) == len(theirs.neighbours)
    assert np.allclose(np.sort(ours.volumes), np.sort(theirs.volumes), atol=1e-12)
    order = [np.lexsort(np.round(cells.vertices, 9).T) for cells in (ours, theirs)]
    assert np.allclose(ours.vertices[order[0]], theirs.vertices[order[1]], atol=1e-10)


class Residual(nn.Module):
    """Two branches that meet again: values of one layer outlive the steps of another."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(3, 5), nn.Linear(5, 5), nn.Linear(5, 1)

    def forward(self, x):
        x = self.first(x)
        return self.last(torch.relu(x + self.second(torch.relu(x))))


OTHERS = {
    "leaky": lambda: nn.Sequential(nn.Linear(3, 6), nn.LeakyReLU(0.1), nn.Linear(6, 5), nn.LeakyReLU(0.1)),
    "six": lambda: nn.Sequential(nn.Linear(4, 5), nn.PReLU(5), nn.Linear(5, 4), nn.ReLU6()),
    "clamped": lambda: nn.Sequential(nn.Linear(3, 5), nn.Hardtanh(-0.5, 0.3), nn.Linear(5, 4), nn.Hardtanh(-0.1, 0.2)),
    "wide": lambda: nn.Sequential(nn.Linear(3, 40), nn.Hardtanh(-0.6, 0.4), nn.Linear(40, 3), nn.ReLU()),
    "residual": Residual,
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_functions_of_single_units_and_other_graphs(name):
    torch.manual_seed(7)
    model = OTHERS[name]().double()
    dimension = next(model.parameters()).shape[1]
    network = read(model, np.zeros((1, dimension)))
    made = subdivide(network, cube(dimension))
    skeleton = subdivide_edges(plan(network, cube(dimension)))
    found = patterns(made.plan, close_cells(skeleton))
    assert rows(found) == rows(patterns(made.plan, made.complex))
    assert len(found) == made.complex.cell_count == count_cells(skeleton)


def test_a_clamp_is_two_thresholds():
    """hardtanh(z) = relu(z + 1) - relu(z - 1) - 1 has the cells of a ReLU layer of twice the width."""
    rng = np.random.default_rng(2)
    weight, bias = 1.5 * rng.normal(size=(6, 4)), rng.normal(size=6)
    clamp = nn.Sequential(nn.Linear(4, 6, dtype=torch.float64), nn.Hardtanh())
    with torch.no_grad():
        clamp[0].weight.copy_(torch.tensor(weight))
        clamp[0].bias.copy_(torch.tensor(bias))
    relus = arrangement_net(np.concatenate([weight, weight]), np.concatenate([bias + 1, bias - 1]))
    plans = laid(clamp, cube(4)), laid(relus, cube(4))
    one, other = (rows(patterns(made, close_cells(subdivide_edges(made)))) for made in plans)
    assert one == other


NOT_GENERIC = {
    "grid": lambda: (grid_net(4, 3), Box(low=(0, 0, 0), high=(4, 4, 4))),
    "braid": lambda: (braid_net(3), cube(3)),
    "central": lambda: (
        arrangement_net(np.random.default_rng(0).normal(size=(4, 3)), np.zeros(4)),
        cube(3, centre=0.1),
    ),
    "duplicated": lambda: (arrangement_net([[1, 2, 3], [1, 2, 3]], [0.1, 0.1]), cube(3)),
    "negated": lambda: (arrangement_net([[1, 2, 3], [-1, -2, -3]], [0.1, -0.1]), cube(3)),
    "wall": lambda: (arrangement_net([[1, 0, 0]], [1.0]), cube(3)),
    "corner": lambda: (arrangement_net([[1, 1, 1]], [3.0]), cube(3)),
    "dead": lambda: (sequential([(np.ones((1, 3)), np.full(1, -9.0)), *[(np.ones((1, 1)), np.zeros(1))] * 2]), cube(3)),
    "four through a point": lambda: (
        arrangement_net([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]], [0.3, 0.2, 0.1, 0.6]),
        cube(3),
    ),
    "no bias": lambda: (nn.Sequential(nn.Linear(3, 6, bias=False), nn.ReLU(), nn.Linear(6, 1)), cube(3, centre=0.2)),
}


@pytest.mark.interpreted
@pytest.mark.parametrize("name", NOT_GENERIC)
def test_what_is_not_generic_is_refused(name):
    torch.manual_seed(0)
    model, box = NOT_GENERIC[name]()
    assert subdivide_edges(laid(model, box)) is None


@given(st.sampled_from([kind for kind in KINDS if kind != "generic"]), st.integers(2, 7), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_an_answer_is_right_or_none(kind, n, seed):
    """Small whole coefficients: concurrent, parallel and repeated hyperplanes, which may be left to cell splitting."""
    lines = random_arrangement(kind, n, 3, rng=seed)
    network, box = read(arrangement_net(lines.normals, lines.offsets)), uneven(lines.box())
    skeleton = subdivide_edges(plan(network, box))
    if skeleton is not None:
        assert count_cells(skeleton) == close_cells(skeleton).cell_count == subdivide(network, box).complex.cell_count


@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_small_whole_weights_are_right_or_none(hidden, seed):
    rng = np.random.default_rng(seed)
    widths = [3, *hidden, 1]
    layers = [
        (rng.integers(-2, 3, (b, a)).astype(float), rng.integers(-2, 3, b).astype(float)) for a, b in pairwise(widths)
    ]
    network, box = read(sequential(layers)), uneven(cube(3))
    made = subdivide_edges(plan(network, box))
    if made is not None:
        assert count_cells(made) == subdivide(network, box).complex.cell_count


@pytest.mark.interpreted
@pytest.mark.parametrize("gap", [1e-6, 1e-9, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16])
def test_a_plane_that_passes_close_by_a_vertex(gap):
    """Four planes that miss a common point by a gap are generic, however small it is; rounding may hide it."""
    normals = np.array([[1.0, 0.2, 0.1], [0.3, 1.0, -0.2], [-0.1, 0.4, 1.0], [0.7, 0.5, 0.9]])
    point = np.array([0.13, -0.21, 0.34])
    offsets = -normals @ point + np.array([0.0, 0.0, 0.0, gap])
    skeleton = subdivide_edges(laid(arrangement_net(normals, offsets), cube(3)))
    assert skeleton is None or count_cells(skeleton) == zaslavsky(4, 3)
    assert (skeleton is not None) or gap < 1e-11


def nearly_parallel(gap):
    """Two planes at a flat angle, a third, and one that passes by their common point at a gap and reads loosely.

    The fourth comes from a second layer in which large terms cancel, so that its slope is 1 and the bound on it 600.
    Where the first three meet is known badly along y, of which the fourth does not depend.
    """
    normals = np.array([[1.0, 1e-4, 0.0], [1.0, -1e-4, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 1.0]])
    offsets = -normals @ np.array([0.13, -0.21, 0.34]) + np.array([0.0, 0.0, 0.0, gap])
    first = np.vstack([normals[:3], np.eye(3), normals[:1]]), np.concatenate([offsets[:3], [4.0, 4.0, 4.0, 5.0]])
    passed, loose = normals[3] - 300.0 * normals[0], 300.0
    weight = np.concatenate([np.zeros(3), passed, [loose]])[None]
    bias = np.array([offsets[3] - 4.0 * passed.sum() - 5.0 * loose])
    return sequential([first, (weight, bias), (np.ones((1, 1)), np.zeros(1))])


@pytest.mark.interpreted
@pytest.mark.parametrize("gap", [1e-6, 1e-7, 3e-8, 1e-8, 1e-9, 1e-10, 1e-12])
def test_slopes_along_edges_settle_what_bounds_on_slopes_leave_open(gap):
    skeleton = subdivide_edges(laid(nearly_parallel(gap), cube(3)))
    assert skeleton is None or count_cells(skeleton) == zaslavsky(4, 3)
    assert skeleton is not None or gap < 1e-8


def test_what_is_eligible():
    relu = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    assert eligible(laid(relu, cube(3)))
    head = Maximum(groups=np.array([[0, 1]]))
    pooled = nn.Sequential(nn.Linear(3, 4), nn.Unflatten(1, (1, 4)), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(2, 1))
    flat = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))
    refused = [laid(relu, cube(3), head=head), plan(read(pooled, np.zeros((1, 3))), cube(3)), laid(flat, cube(2))]
    for made in refused:
        assert not eligible(made)
        assert subdivide_edges(made) is None


class Counter:
    def __init__(self):
        self.total = 0.0

    def start(self, description, total):
        pass

    def advance(self, amount):
        self.total += amount

    def stop(self):
        pass


def test_limits_and_progress():
    made = laid(default_net(4, 16, 16, 1), cube(4))
    counter = Counter()
    whole = subdivide_edges(made, meter=counter)
    assert counter.total == whole.vertex_count - 2**4
    first = count_cells(subdivide_edges(laid(default_net(4, 16, 1), cube(4))))
    assert subdivide_edges(made, max_cells=first - 1) is None
    assert count_cells(subdivide_edges(made, max_cells=first)) == count_cells(whole)
    assert subdivide_edges(made, max_bytes=1 << 18) is None


def test_little_memory_changes_nothing():
    """Room grows by what is needed where four times as much does not fit."""
    made = laid(default_net(5, 12, 10, 1), cube(5))
    whole = subdivide_edges(made)
    held = sum(array.nbytes for array in (*whole.points, *whole.lines))
    for share in (1.5, 1.8, 2.2, 3.0):
        tight = subdivide_edges(made, max_bytes=int(share * held))
        if tight is not None:
            break
    assert tight is not None
    assert np.array_equal(tight.points.t, whole.points.t)
    assert np.array_equal(tight.lines.ends, whole.lines.ends)


def test_the_same_answer_twice():
    made = laid(default_net(5, 10, 10, 1), cube(5))
    one, other = (close_cells(subdivide_edges(made)) for _ in range(2))
    for name in ("vertices", "corners", "masks", "side_label", "start", "side_start"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
