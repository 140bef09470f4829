"""Exact values and signs against fractions: patterns of all rules, vertices of small nets, all dimensions, limits."""

from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import nn

from inscape.geometry import Box, Maximum, Plane, Segment, Sort, _dyadic, affine_maps, plan, subdivide
from inscape.geometry._exact import CELL_WORK, Allowance, ExactNet, WorkLimitError, exact_signs
from inscape.geometry._levels import leaders, tournament
from inscape.geometry._plan import Step
from inscape.geometry._site import Site, competitors
from inscape.network import read
from inscape.testing import layers_of, random_net, relu_nets, sequential

SQUARE = Box(low=(-1.0, -1.0), high=(1.0, 1.0))


def lift(values):
    return np.array([Fraction(v) for v in np.asarray(values, dtype=float).ravel().tolist()], dtype=object).reshape(
        np.shape(values)
    )


def sites(made):
    """Every cell of a subdivision as a site with its full pattern."""
    cells, laid = made.complex, made.plan
    patterns = {}
    for number, level in enumerate(cells.levels):
        step = laid.steps[level.step]
        patterns[level.step] = cells.pattern(number, step, cells.ancestors(number))
    return [Site(pattern={node: rows[c] for node, rows in patterns.items()}) for c in range(cells.cell_count)]


def corners(made, cell):
    """Vertices of a cell, each with the labels of the two edges that meet there."""
    cells = made.complex
    half = cells.half[cells.start[cell] : cells.start[cell + 1]]
    labels = cells.label[half >> 1]
    return [(int(cells.ends[h >> 1, h & 1]), [int(labels[k - 1]), int(labels[k])]) for k, h in enumerate(half)]


def units_at(model, point):
    """Exact inputs of all hidden units at an exact point."""
    value, found = point, []
    for weight, bias in layers_of(model)[:-1]:
        z = lift(weight) @ value + lift(bias)
        found += z.tolist()
        value = np.where(z > 0, z, Fraction(0))
    return found


def meeting(net, site, labels):
    """The point that labels pin down, in fractions, by Cramer's rule."""
    rows = net.rows(site, labels, Allowance(left=CELL_WORK))
    (a, b, c), (d, e, f) = [[Fraction(x) for x in row] for row in rows]
    determinant = b * f - c * e
    return None if determinant == 0 else np.array([(c * d - a * f) / determinant, (a * e - b * d) / determinant])


@given(relu_nets(max_width=4, max_depth=2, kinds=("integer", "bias_free", "duplicated", "negated", "grid", "braid")))
@settings(max_examples=12)
def test_signs_at_every_vertex_are_those_of_fractions(model):
    """At each corner of each cell, the sign of every predicate of every layer, against an evaluation in fractions."""
    made = subdivide(read(model), SQUARE)
    net = ExactNet(plan=made.plan)
    labels = list(range(sum(step.size for step in made.plan.steps.values())))
    for cell, site in enumerate(sites(made)):
        for vertex, ends in corners(made, cell):
            point = meeting(net, site, ends)
            if point is None:  # a vertex inside one side of the cell
                assert exact_signs(net, site, ends, labels) is None
                continue
            assert np.abs(point.astype(float) - made.complex.vertices[vertex]).max() < 1e-12
            exact = [(z > 0) - (z < 0) for z in units_at(model, point)]
            assert exact_signs(net, site, ends, labels).tolist() == exact


@pytest.mark.parametrize("arithmetic", ["python-flint", "python"])
@pytest.mark.parametrize("kind", ["generic", "integer"])
def test_both_arithmetics_compose_the_same_maps(kind, arithmetic, monkeypatch):
    if arithmetic == "python":
        monkeypatch.setattr(_dyadic, "find_spec", lambda name: None)
    model = random_net([3, 7, 6, 5, 1], kind=kind, rng=2)
    made = subdivide(read(model), Plane.random(np.zeros(3), rng=0))
    net = ExactNet(plan=made.plan)
    start = np.vstack([lift(made.plan.chart.origin)[None], lift(made.plan.chart.basis)]).T
    for site in sites(made)[::5]:
        value, label = start, 0
        for (weight, bias), on in zip(layers_of(model)[:-1], site.pattern.values(), strict=True):
            value = lift(weight) @ value
            value[:, 0] += lift(bias)
            rows = net.rows(site, range(label, label + len(bias)), Allowance(left=CELL_WORK))
            for row, exact in zip(rows, value, strict=True):
                scale = next((Fraction(a) / b for a, b in zip(row, exact, strict=True) if b), Fraction(1))
                assert scale > 0
                assert [Fraction(a) for a in row] == [scale * b for b in exact]
            value, label = value * on[:, None], label + len(bias)


class Residual(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return x + self.inner(x)


def everything():
    """Most operations in one net of two inputs: convolution, normalisation, pooling, slopes, thresholds, addition."""
    torch.manual_seed(4)
    model = nn.Sequential(
        nn.Linear(2, 16),
        nn.LeakyReLU(0.01),
        nn.Unflatten(1, (1, 4, 4)),
        nn.Conv2d(1, 2, 3, padding=1),
        nn.BatchNorm2d(2),
        nn.ReLU6(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        Residual(nn.Sequential(nn.Linear(8, 8), nn.Hardtanh())),
        nn.AvgPool1d(3, stride=2),
        nn.Linear(3, 2),
    )
    return model.double().eval()


def test_exact_maps_of_all_operations_are_near_the_composed_ones():
    """Rows of the head's predicates, against differences of the float maps on the same cell."""
    network = read(everything(), torch.zeros(1, 2, dtype=torch.float64))
    chart = Box(low=(-1.0, -1.0), high=(1.0, 1.0))
    head = Maximum(groups=np.array([[0, 1]]))
    made = subdivide(network.frozen(), chart, head=head)
    net, maps = ExactNet(plan=made.plan), affine_maps(made)
    label = made.plan.steps[-1].base
    assert made.complex.cell_count > 20
    for site, affine in list(zip(sites(made), maps, strict=True))[:: made.complex.cell_count // 10]:
        (row,) = net.rows(site, [label], Allowance(left=10**9))
        exact = np.array([float(Fraction(x) / max(abs(y) for y in row)) for x in row])
        difference = affine[0] - affine[1]
        assert exact == pytest.approx(difference / np.abs(difference).max(), abs=1e-9)


@pytest.mark.parametrize("dimension", range(1, 7))
def test_corners_of_a_cut_box_in_all_dimensions(dimension):
    """The hyperplane x_1 + ... + x_d = c and d - 1 walls meet in a point; other hyperplanes are asked there."""
    rng = np.random.default_rng(dimension)
    normals = np.vstack([np.ones(dimension), rng.integers(-3, 4, (5, dimension))])
    offsets = np.concatenate([[-0.3], rng.integers(-2, 3, 5)])
    low, high = -np.arange(1.0, dimension + 1) / 3, np.arange(1.0, dimension + 1) / 7
    laid = plan(
        read(sequential([(normals, offsets), (np.ones((1, 6)), np.zeros(1))])).frozen(), Box(low=low, high=high)
    )
    net, site = ExactNet(plan=laid), Site(pattern={})
    for free, ends in product(range(dimension), product([0, 1], repeat=dimension - 1)):
        axes = [axis for axis in range(dimension) if axis != free]
        walls = [wall(dimension, axis, end) for axis, end in zip(axes, ends, strict=True)]
        point = np.empty(dimension, dtype=object)
        point[axes] = [Fraction((low, high)[end][axis]) for axis, end in zip(axes, ends, strict=True)]
        point[free] = Fraction(0.3) - sum(point[axes], Fraction(0))
        exact = [int(z > 0) - int(z < 0) for z in lift(normals) @ point + lift(offsets)]
        assert exact[0] == 0
        assert exact_signs(net, site, [0, *walls], range(6)).tolist() == exact


def wall(dimension, axis, end):
    if dimension == 2:  # counter-clockwise from the lower side
        return {(1, 0): -1, (0, 1): -2, (1, 1): -3, (0, 0): -4}[axis, end]
    return -1 - 2 * axis - end


def test_even_weights_and_no_constants():
    """All whole numbers have a positive power of two, and zeros have none of their own."""
    layers = [(np.array([[4.0, 0], [0, 8], [12, -4]]), np.zeros(3)), (np.full((2, 3), 16.0), np.zeros(2))]
    laid = plan(read(sequential([*layers, (np.ones((1, 2)), np.zeros(1))])).frozen(), SQUARE)
    net, site = ExactNet(plan=laid), Site(pattern={2: np.array([True, True, False])})
    assert exact_signs(net, site, [0, 1], range(5)).tolist() == [0, 0, 0, 0, 0]
    assert exact_signs(net, site, [-2, -3], range(5)).tolist() == [1, 1, 1, 1, 1]
    assert exact_signs(net, site, [2, -2], range(5)).tolist() == [1, 1, 0, 1, 1]


def test_more_labels_than_needed_and_contradictions():
    normals, offsets = np.array([[1.0, 0], [0, 1], [1, 1], [1, -1], [2, 0]]), np.array([0, 0, 0, 1, 0.0])
    laid = plan(read(sequential([(normals, offsets), (np.ones((1, 5)), np.zeros(1))])).frozen(), SQUARE)
    net, site = ExactNet(plan=laid), Site(pattern={})
    assert exact_signs(net, site, [0, 1, 2, 4], range(5)).tolist() == [0, 0, 0, 1, 0]
    assert exact_signs(net, site, [0, 4], range(5)) is None  # the same line twice
    assert exact_signs(net, site, [0, 1, 3], range(5)) is None  # no common point
    with pytest.raises(IndexError, match="got label 5"):
        exact_signs(net, site, [0, 1], [5])


def test_thresholds_and_slopes_count_to_the_last_bit():
    """A clamp at 0.1 of a unit x - 0.1: the float 0.1 is not a tenth, and the two do not cancel at x = 0.2."""
    model = nn.Sequential(nn.Linear(1, 1), nn.Hardtanh(-0.1, 0.1), nn.Linear(1, 1), nn.ReLU()).double()
    with torch.no_grad():
        model[0].weight.fill_(1.0)
        model[0].bias.fill_(-0.1)
        model[2].weight.fill_(3.0)
        model[2].bias.fill_(-0.3)
    made = subdivide(read(model), Box(low=(-1.0,), high=(1.0,)))
    net, site = ExactNet(plan=made.plan), Site(pattern={2: np.array([True, True])})
    exact = 3 * Fraction(0.1) - Fraction(0.3)  # on the clamp's upper edge; the floats 3 * 0.1 - 0.3 round it
    assert exact != 0
    assert exact_signs(net, site, [1], [2]).tolist() == [(exact > 0) - (exact < 0)]
    assert exact_signs(net, site, [0], [0, 1]).tolist() == [0, -1]


@pytest.mark.parametrize("members", [2, 3, 4, 5, 7])
@pytest.mark.parametrize("sign", [1, -1])
def test_competitors_of_a_tournament(members, sign):
    """In a running tournament by its bits, in a finished one by the leaders on both sides of a wall."""
    rule = Maximum(groups=np.random.default_rng(members).permutation(2 * members).reshape(2, members), sign=sign)
    rounds = tournament(rule)
    step = Step(node=1, inputs=(0,), rule=rule, stages=rounds, base=0, name="")
    for seed in range(30):
        values = np.random.default_rng(seed).permutation(2 * members).astype(float)
        units, bits = np.arange(2 * members), []
        for number, stage in enumerate(rounds):
            running = Site(pattern={}, rounds=bits)
            for place in range(stage.split.size):
                pair = competitors(step, number, place, running)
                assert pair == tuple(int(units[k]) for k in (stage.split.left[place], stage.split.right[place]))
            z = values[units[stage.split.left]] - values[units[stage.split.right]]
            bits.append(z >= 0 if sign > 0 else z > 0)
            ahead = sign * values[units[stage.left]] >= sign * values[units[np.maximum(stage.right, 0)]]
            units = units[np.where(ahead | (stage.right < 0), stage.left, stage.right)]
        best = leaders(rule, rounds, [b[None] for b in bits])[0]
        for number, stage in enumerate(rounds):
            for group, column in np.argwhere(stage.pair >= 0):
                span = range(column << (number + 1), min((column + 1) << (number + 1), members))
                one, other = [[k for k in span if (k >> number) % 2 == half] for half in (0, 1)]
                if best[group] not in span:
                    continue
                for rival in other if best[group] in one else one:
                    beyond = best.copy()
                    beyond[group] = rival
                    site = Site(pattern={1: best}, beyond={1: beyond})
                    pair = competitors(step, number, int(stage.pair[group, column]), site)
                    if number:
                        ordered = (best[group], rival) if best[group] in one else (rival, best[group])
                        assert pair == tuple(int(rule.groups[group, k]) for k in ordered)


def test_a_wall_of_a_finished_maximum_needs_both_leaders():
    rule = Maximum(groups=np.arange(4)[None])
    step = Step(node=1, inputs=(0,), rule=rule, stages=tournament(rule), base=0, name="")
    alone = Site(pattern={1: np.array([0])})
    assert competitors(step, 1, 0, alone) is None
    assert competitors(step, 1, 0, Site(pattern={1: np.array([0])}, beyond={1: np.array([1])})) is None
    assert competitors(step, 1, 0, Site(pattern={1: np.array([3])}, beyond={1: np.array([1])})) == (1, 3)


def test_the_limit_of_work():
    model = random_net([2, 20, 20, 1], kind="integer", rng=0)
    made = subdivide(read(model), SQUARE)
    site = sites(made)[0]
    label = made.plan.steps[max(made.plan.steps)].base
    spent = Allowance(left=CELL_WORK)
    net = ExactNet(plan=made.plan)
    assert exact_signs(net, site, [-1, -4], [label], allowance=spent) is not None
    work = CELL_WORK - spent.left
    assert work > 50
    assert exact_signs(ExactNet(plan=made.plan), site, [-1, -4], [label], allowance=Allowance(left=work - 1)) is None
    assert exact_signs(ExactNet(plan=made.plan), site, [-1, -4], [label], allowance=Allowance(left=work)) is not None
    again = Allowance(left=CELL_WORK)  # what was computed once is kept
    assert exact_signs(net, site, [-1, -4], [label], allowance=again) is not None
    assert CELL_WORK - again.left < work / 2
    with pytest.raises(WorkLimitError):
        Allowance(left=1).charge(2)


def test_a_node_that_is_too_large_to_be_taken_apart(monkeypatch):
    from inscape.geometry import _exact

    monkeypatch.setattr(_exact, "MATRIX_ENTRIES", 30)
    made = subdivide(read(random_net([2, 20, 1], rng=0)), SQUARE)
    assert exact_signs(ExactNet(plan=made.plan), sites(made)[0], [-1, -4], [0]) is None


def test_kept_values_are_dropped_when_they_are_many(monkeypatch):
    from inscape.geometry import _exact

    model = random_net([2, 6, 6, 6, 1], kind="integer", rng=3)
    made = subdivide(read(model), SQUARE)
    labels = range(sum(step.size for step in made.plan.steps.values()))
    free = ExactNet(plan=made.plan)
    expected = [exact_signs(free, site, [-1, -4], labels).tolist() for site in sites(made)]
    monkeypatch.setattr(_exact, "KEPT_NUMBERS", 40)
    tight = ExactNet(plan=made.plan)
    assert [exact_signs(tight, site, [-1, -4], labels).tolist() for site in sites(made)] == expected
    assert len(tight._tables) < len(free._tables)


def test_pairs_of_a_sort_and_a_segment():
    """GroupSort: predicates are differences of two units; on a segment a vertex is pinned by one label."""
    rule = Sort(groups=np.array([[0, 1, 2]]), positions=np.array([[0, 1, 2]]))
    values = np.array([[1.0], [2.0], [-1.0]]), np.array([0.0, -0.5, 0.25])
    laid = plan(read(sequential([values, (np.eye(3), np.zeros(3))])).frozen(), Segment((-1.0,), (1.0,)), rule)
    net, base = ExactNet(plan=laid), laid.steps[-1].base
    shut = {node: np.ones(3, bool) for node in laid.steps if node >= 0}
    for a, b in combinations(range(3), 2):
        label = base + [(0, 1), (0, 2), (1, 2)].index((a, b))
        x = (Fraction(values[1][b]) - Fraction(values[1][a])) / Fraction(values[0][a, 0] - values[0][b, 0])
        exact = [
            Fraction(w) * x + Fraction(c) for w, c in zip(values[0][:, 0].tolist(), values[1].tolist(), strict=True)
        ]
        signs = exact_signs(net, Site(pattern=shut), [label], range(base, base + 3))
        wanted = [(exact[i] > exact[j]) - (exact[i] < exact[j]) for i, j in combinations(range(3), 2)]
        assert signs.tolist() == wanted
