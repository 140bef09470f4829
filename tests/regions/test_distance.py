"""Distances to the boundary against closed forms, mixed-integer programs, all patterns, and the exact boundary."""

import inspect
import math

import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from torch import nn

import inscape
from inscape.geometry import Box, Plane, Segment, Slice
from inscape.network import read
from inscape.regions import Distance, boundary, distance
from inscape.results import Verdict
from inscape.testing import distance_by_milp, distance_by_patterns, random_net, sequential, unchanged

NORMS = (1, 2, math.inf)
DUAL = {1: math.inf, 2: 2, math.inf: 1}
SQUARE = Box(low=(-2.0, -2.0), high=(2.0, 2.0))

NETS = [
    ([2, 4, 1], "generic"),
    ([2, 5, 3], "generic"),
    ([2, 4, 4, 2], "generic"),
    ([3, 4, 3, 2], "generic"),
    ([3, 5, 4], "generic"),
    ([4, 5, 4, 3], "generic"),
    ([5, 6, 3], "generic"),
    ([5, 4, 4, 2], "generic"),
    ([3, 6, 1], "integer"),
    ([2, 5, 3], "bias_free"),
    ([3, 4, 3, 2], "pruned"),
    ([2, 4, 3, 2], "negated"),
    ([4, 4, 3], "duplicated"),
]


def affine(weight, bias):
    return sequential([(np.array(weight, dtype=float), np.array(bias, dtype=float))])


def oracle(model, x, norm, **options):
    return distance_by_patterns(model, x, **options) if norm == 2 else distance_by_milp(model, x, norm, **options)


def agrees(found, wanted):
    """Bounds enclose the truth, and each other if the truth is finite."""
    assert found.lower[0] <= wanted * (1 + 1e-6) + 1e-9
    assert found.upper[0] >= wanted * (1 - 1e-6) - 1e-9
    if math.isfinite(wanted):
        assert found.certified.all()
        assert found.status.verdict is Verdict.CERTIFIED


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("widths", "kind"), NETS)
def test_certified_distance_is_that_of_the_oracle(widths, kind, norm):
    for seed in (0, 1):
        model = random_net(widths, kind=kind, rng=seed)
        x = np.random.default_rng(seed).standard_normal(widths[0])
        wanted = oracle(model, x, norm)
        if not math.isfinite(wanted):
            continue  # no boundary: there is a test of its own
        agrees(distance(model, x, norm), wanted)


@pytest.mark.parametrize("norm", NORMS)
def test_nearest_point_lies_on_the_boundary_at_its_distance(norm):
    model = random_net([5, 6, 5, 4], rng=3)
    points = np.random.default_rng(0).standard_normal((2, 5))
    found, network = distance(model, points, norm), read(model)
    assert np.linalg.norm(found.nearest - points, ord=norm, axis=1) == pytest.approx(found.upper)
    values = network.evaluate(found.nearest)
    rows = np.arange(2)
    own, other = found.pairs.T
    assert np.array_equal(own, network.evaluate(points).argmax(1))
    assert values[rows, own] == pytest.approx(values[rows, other], abs=1e-9)
    assert values[rows, own] == pytest.approx(values.max(1), abs=1e-9)


@pytest.mark.parametrize("norm", NORMS)
def test_inside_the_lower_bound_the_class_does_not_change(norm):
    model = random_net([3, 6, 5, 4], rng=5)
    x = np.random.default_rng(1).standard_normal(3)
    found, network = distance(model, x, norm), read(model)
    draw = np.random.default_rng(2)
    offsets = draw.standard_normal((100_000, 3))
    offsets *= (
        found.lower[0]
        * draw.random((len(offsets), 1)) ** 0.2
        / np.linalg.norm(offsets, ord=norm, axis=1, keepdims=True)
    )
    assert (network.evaluate(x + offsets).argmax(1) == found.pairs[0, 0]).all()


@pytest.mark.parametrize("norm", NORMS)
def test_linear_nets_have_a_closed_form(norm):
    draw = np.random.default_rng(0)
    weight, bias, x = draw.standard_normal((4, 6)), draw.standard_normal(4), draw.standard_normal(6)
    outputs = weight @ x + bias
    top = int(outputs.argmax())
    gaps = [
        (outputs[top] - outputs[j]) / np.linalg.norm(weight[top] - weight[j], ord=DUAL[norm])
        for j in range(4)
        if j != top
    ]
    model = affine(weight, bias)
    assert distance(model, x, norm).upper[0] == pytest.approx(min(gaps), rel=1e-9)
    pair = abs(outputs[1] - outputs[3]) / np.linalg.norm(weight[1] - weight[3], ord=DUAL[norm])
    for between in ((1, 3), (3, 1)):
        found = distance(model, x, norm, between=between)
        assert found.upper[0] == pytest.approx(pair, rel=1e-9)
        assert found.pairs[0].tolist() == ([1, 3] if outputs[1] > outputs[3] else [3, 1])
    level = distance(affine(weight[:1], bias[:1]), x, norm, between=0.7)
    assert level.upper[0] == pytest.approx(abs(outputs[0] - 0.7) / np.linalg.norm(weight[0], ord=DUAL[norm]), rel=1e-9)
    assert level.pairs[0].tolist() == ([1, 0] if outputs[0] > 0.7 else [0, 1])


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("seed", range(4))
def test_a_box_keeps_the_nearest_point_inside(norm, seed):
    model = random_net([3, 6, 5, 3], rng=seed)
    x = np.random.default_rng(seed).uniform(-1, 1, 3)
    low, high = np.array([-1.0, -1.0, x[2] - 1e-3]), np.array([1.0, x[1] + 0.01, 1.0])
    found = distance(model, x, norm, domain=Box(low=low, high=high))
    if norm != 2:
        wanted = distance_by_milp(model, x, norm, low=low, high=high)
        assert found.lower[0] == (math.inf if wanted == math.inf else pytest.approx(wanted, rel=2e-6))
    free = distance(model, x, norm, max_cells=20)
    assert found.lower[0] >= free.lower[0] * (1 - 1e-9)
    if math.isfinite(found.upper[0]):
        assert ((found.nearest[0] >= low) & (found.nearest[0] <= high)).all()
        assert found.certified.all()
    else:
        assert found.status.verdict is Verdict.CERTIFIED
        values = read(model).evaluate(np.random.default_rng(0).uniform(low, high, (20_000, 3)))
        assert (values.argmax(1) == read(model).evaluate(x[None]).argmax()).all()


@pytest.mark.parametrize("norm", NORMS)
def test_in_the_plane_it_is_the_distance_to_the_exact_boundary(norm):
    model = random_net([2, 8, 6, 4], rng=3)
    pieces = boundary(model, SQUARE)
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (4, 2))
    read_off, searched = pieces.distance(points, norm), distance(model, points, norm)
    exact = read_off.lower == read_off.upper
    assert exact.sum() >= 3
    assert searched.upper[exact] == pytest.approx(read_off.upper[exact], rel=2e-6)
    assert (searched.upper[~exact] >= read_off.lower[~exact] * (1 - 1e-6)).all()
    assert np.array_equal(searched.pairs[exact], read_off.pairs[exact])
    assert distance(pieces, points, norm).upper.tolist() == read_off.upper.tolist()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("widths", [[3, 7, 5, 3], [4, 5, 4, 3]], ids=str)
def test_in_space_it_is_the_distance_to_the_exact_boundary(widths, norm):
    model, d = random_net(widths, rng=3), widths[0]
    pieces = boundary(model, Box(low=-np.ones(d), high=np.ones(d)))
    points = np.random.default_rng(1).uniform(-0.4, 0.4, (4, d))
    read_off, searched = pieces.distance(points, norm), distance(model, points, norm)
    exact = read_off.lower == read_off.upper
    assert exact.sum() >= 2
    assert searched.upper[exact] == pytest.approx(read_off.upper[exact], rel=2e-6)
    assert (searched.upper[~exact] >= read_off.lower[~exact] * (1 - 1e-6)).all()
    assert np.array_equal(searched.pairs[exact], read_off.pairs[exact])


@pytest.mark.parametrize("norm", NORMS)
def test_on_a_slice_of_three_dimensions_lengths_are_those_of_input_space(norm):
    part = Slice.through(np.zeros(4), (1, 2, 0, 0), (0, 1, 1, 0), (0, 0, 1, 1), margin=1.0)
    weight, offset = np.array([1, -0.5, 2, 0.3]), -0.3
    t = np.array([0.2, 0.1, 0.3])
    read_off = boundary(affine(weight[None], [offset]), part).distance(t, norm)
    inside = minimize_norm(part.basis, weight @ part.basis.T, -offset - weight @ part.basis.T @ t, norm)
    assert read_off.upper[0] == pytest.approx(inside, rel=1e-6)


def minimize_norm(basis, slope, rise, norm):
    """Least norm of s · basis with slope · s = rise, by linear programming or in closed form."""
    if norm == 2:
        return abs(rise) / np.linalg.norm(slope)
    size, parts = len(basis), basis.shape[1] if norm == 1 else 1
    bound = np.eye(basis.shape[1]) if norm == 1 else np.ones((basis.shape[1], 1))
    table = np.vstack([np.hstack([basis.T, -bound]), np.hstack([-basis.T, -bound])])
    cost = np.concatenate([np.zeros(size), np.ones(parts)])
    free = [(None, None)] * size + [(0, None)] * parts
    equal = np.concatenate([slope, np.zeros(parts)])[None]
    return linprog(cost, table, np.zeros(len(table)), equal, [rise], bounds=free).fun


@pytest.mark.parametrize("norm", NORMS)
def test_scaling_the_input_scales_the_distance(norm):
    (first, *rest), x = layers([3, 4, 4, 3]), np.array([0.3, -0.4, 0.8])
    plain = distance(sequential([first, *rest]), x, norm).upper[0]
    scaled = distance(sequential([(first[0] / 8, first[1]), *rest]), 8 * x, norm).upper[0]
    assert scaled == pytest.approx(8 * plain, rel=4e-6)


@pytest.mark.parametrize("norm", NORMS)
def test_order_and_scale_of_the_units_do_not_matter(norm):
    (first, second, last), x = layers([3, 4, 4, 3]), np.array([0.3, -0.4, 0.8])
    order, scale = np.array([3, 0, 1, 2]), np.array([1, 2, 4, 0.5])
    turned = (first[0][order] * scale[:, None], first[1][order] * scale), (second[0][:, order] / scale, second[1])
    plain = distance(sequential([first, second, last]), x, norm)
    assert distance(sequential([*turned, last]), x, norm).upper[0] == pytest.approx(plain.upper[0], rel=4e-6)


def layers(widths):
    return [
        (layer.weight.detach().numpy(), layer.bias.detach().numpy())
        for layer in random_net(widths, rng=2)
        if isinstance(layer, nn.Linear)
    ]


@pytest.mark.parametrize("norm", NORMS)
def test_other_nodes_than_relu_give_the_distance_of_the_equal_relu_net(norm):
    """max(a, b) = b + relu(a - b), |a| = relu(a) + relu(-a): the same function by other nodes."""

    class Folded(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Linear(3, 8), nn.Linear(8, 2)

        def forward(self, x):
            z = self.first(x)
            left, right = z[:, :4], z[:, 4:]
            return self.last(torch.cat([torch.maximum(left, right), left.abs()], dim=1))

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Folded().double()
    w, b = (p.detach().numpy() for p in model.first.parameters())
    v, c = (p.detach().numpy() for p in model.last.parameters())
    hidden = np.vstack([w[:4] - w[4:], w[4:], -w[4:], w[:4], -w[:4]])
    bias = np.concatenate([b[:4] - b[4:], b[4:], -b[4:], b[:4], -b[:4]])
    out = np.hstack([v[:, :4], v[:, :4], -v[:, :4], v[:, 4:], v[:, 4:]])
    x = np.array([[0.2, -0.7, 0.4]])
    plain = distance(sequential([(hidden, bias), (out, c)]), x, norm)
    assert distance(model, x, norm).upper[0] == pytest.approx(plain.upper[0], rel=4e-6)


def test_images_and_batches_keep_their_shape():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    x = torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    found = distance(model, x, domain=Box(low=np.zeros(16), high=np.ones(16)))
    assert found.nearest.shape == (3, 1, 4, 4)
    single = distance(model, x[1], domain=Box(low=np.zeros(16), high=np.ones(16)))
    assert single.upper[0] == pytest.approx(found.upper[1])


@pytest.mark.parametrize("norm", NORMS)
def test_where_there_is_no_boundary_the_bound_is_large_and_the_status_says_so(norm):
    model = sequential([(np.eye(2), np.zeros(2)), (np.ones((1, 2)), np.ones(1))])  # relu + relu + 1 > 0
    found = distance(model, (0.5, -0.5), norm)
    assert found.lower[0] >= 1e5
    assert found.upper[0] == math.inf
    assert found.status.verdict is Verdict.LIMIT
    inside = distance(model, (0.5, -0.5), norm, domain=SQUARE)
    assert inside.lower[0] == math.inf
    assert inside.status.verdict is Verdict.CERTIFIED
    assert np.isnan(found.nearest).all()
    assert found.pairs.tolist() == [[-1, -1]]


def test_a_limit_leaves_bounds_that_hold():
    model = random_net([4, 8, 8, 3], rng=1)
    x = np.random.default_rng(3).standard_normal(4)
    full = distance(model, x)
    assert full.cells[0] > 20
    cut = distance(model, x, max_cells=10)
    assert cut.cells[0] <= 11
    assert cut.status.verdict is Verdict.LIMIT
    assert 0 < cut.lower[0] <= full.upper[0] <= cut.upper[0] * (1 + 1e-6)
    assert cut.lower[0] < cut.upper[0] * (1 - 1e-3)
    short = distance(model, x, timeout=1e-9)
    assert 0 <= short.lower[0] <= full.upper[0] <= short.upper[0] * (1 + 1e-6)


def test_an_interruption_keeps_what_is_known():
    class Meter:
        def __init__(self):
            self.calls = 0

        def start(self, description, total):
            self.description = description

        def advance(self, amount):
            self.calls += 1
            if self.calls == 40:
                raise KeyboardInterrupt

        def stop(self):
            self.stopped = True

    model = random_net([4, 8, 8, 3], rng=1)
    points = np.random.default_rng(3).standard_normal((3, 4))
    shown = Meter()
    found = distance(model, points, progress=shown)
    assert shown.stopped
    assert "interrupted" in str(found.status)
    assert found.upper[-1] == math.inf
    assert found.lower[-1] == 0
    assert 0 < found.lower[0] <= found.upper[0] < math.inf


@pytest.mark.parametrize("norm", NORMS)
def test_a_point_on_the_boundary_has_distance_zero(norm):
    found = distance(affine([[1, 1]], [-1]), (0.25, 0.75), norm)
    assert found.lower[0] == found.upper[0] == 0.0
    assert found.certified.all()


@pytest.mark.parametrize("norm", NORMS)
def test_distance_read_off_pieces_is_capped_by_the_wall(norm):
    found = boundary(affine([[1, 0]], [-0.5]), Box(low=(-1, -1), high=(1, 1)))
    read_off = found.distance(np.array([[0.4, 0.0], [-0.5, 0.0], [0.45, 0.98]]), norm)
    assert read_off.upper == pytest.approx([0.1, 1.0, 0.05])
    assert read_off.lower == pytest.approx([0.1, 0.5, 0.02])
    assert read_off.pairs.tolist() == [[0, 1], [0, 1], [0, 1]]
    assert read_off.nearest[0] == pytest.approx([0.5, 0.0])
    assert str(read_off.status).startswith("limit(1)")
    assert str(found.distance((0.6, 0.1), norm).status) == "exact"


@pytest.mark.parametrize("norm", NORMS)
def test_on_a_slice_lengths_are_those_of_input_space(norm):
    """Along a plane through the origin, the boundary of a linear net is a line; a fine grid measures the way to it."""
    plane = Plane.through((0, 0, 0), (1, 2, 0), (0, 1, 1), margin=1.0)
    found = boundary(affine([[1, -0.5, 2]], [-0.3]), plane)
    t = np.array([0.2, 0.1])
    read_off = found.distance(t, norm)
    a, b = found.segments[0]
    points = a + np.linspace(0, 1, 200_001)[:, None] * (b - a)
    lengths = np.linalg.norm((points - t) @ plane.basis, ord=norm, axis=1)
    assert lengths.min() * (1 - 1e-4) <= read_off.upper[0] <= lengths.min() * (1 + 1e-12)


@pytest.mark.parametrize("norm", NORMS)
def test_along_a_segment(norm):
    segment = Segment((0, 0), (3, 4))
    found = boundary(affine([[1, 0]], [-1.5]), segment)
    read_off = found.distance(np.array([[2.0]]), norm)
    assert read_off.upper[0] == pytest.approx(0.5 * np.linalg.norm([0.6, 0.8], ord=norm))
    assert read_off.pairs.tolist() == [[0, 1]]


def test_pieces_of_a_part_of_the_domain_bound_from_above_only():
    found = boundary(random_net([2, 20, 20, 4], rng=3), SQUARE, max_cells=40)
    read_off = found.distance(np.zeros((1, 2)))
    assert read_off.lower[0] == 0
    assert read_off.status.verdict is Verdict.LIMIT


def test_file_table_and_figure(tmp_path):
    model = random_net([3, 6, 5, 3], rng=0)
    found = distance(model, np.random.default_rng(0).standard_normal((5, 3)), max_cells=3)
    again = inscape.load(found.save(tmp_path / "distances"))
    assert isinstance(again, Distance)
    assert np.array_equal(again.lower, found.lower)
    assert len(found.to_dataframe()) == 5
    band = found.info().series[0]
    assert np.array_equal(np.sort(found.upper), band.y)
    assert (band.low <= band.high).all()
    assert "jordan2019" in found.cite()
    assert "of 5" in found.summary()


def test_model_stays():
    model = random_net([2, 6, 3], rng=0)
    with unchanged(model):
        distance(model, (0.0, 0.0))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"norm": 3}, "expected norm to be 1, 2 or inf, got 3"),
        ({"x": (0.0, 0.0, 0.0)}, "expected x of shape"),
        ({"x": (0.0, math.nan)}, "expected finite points"),
        ({"between": (0, 0)}, "two different outputs of 0 to 2"),
        ({"between": (0, 3)}, "two different outputs of 0 to 2"),
        ({"between": 0.5}, "a pair of outputs"),
        ({"max_cells": 0}, "max_cells ≥ 1"),
        ({"timeout": 0.0}, "timeout > 0"),
        ({"domain": Box(low=(1.0, 1.0), high=(2.0, 2.0))}, "points inside the domain"),
        ({"domain": Box(low=(-1.0,), high=(2.0,))}, "a box of 2 numbers"),
    ],
)
def test_what_does_not_fit_is_named(options, text):
    model = random_net([2, 5, 3], rng=0)
    given = {"x": (0.0, 0.0), "norm": 2} | options
    with pytest.raises(ValueError, match=text):
        inspect.unwrap(distance)(model, given.pop("x"), given.pop("norm"), **given)


def test_boundary_says_what_does_not_fit():
    found = boundary(affine([[1, 0]], [0]), SQUARE)
    with pytest.raises(ValueError, match="inside the domain"):
        found.distance((3.0, 0.0))
    with pytest.raises(ValueError, match="2 chart coordinates"):
        found.distance((3.0, 0.0, 0.0))
    with pytest.raises(ValueError, match="which has its own"):
        distance(found, (0.0, 0.0), domain=SQUARE)
