"""Coinciding, concurrent and vanishing lines: right counts, proven ones, error bounds that hold in fractions."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import nn

from inscape.geometry import Box, Plane, Segment, _block
from inscape.geometry._block import first_block
from inscape.geometry._plan import plan
from inscape.geometry._step import advance
from inscape.network import read
from inscape.regions import boundary, partition
from inscape.results import Verdict
from inscape.testing import NET_KINDS, cells_by_clipping, count_by_lp, layers_of, random_net, relu_nets, sequential

SQUARE = Box(low=(-1.0, -1.0), high=(1.0, 1.0))
SINGULAR = tuple(kind for kind in NET_KINDS if kind != "generic")


def net(*layers):
    return sequential([(np.array(w, dtype=float), np.array(b, dtype=float)) for w, b in layers])


def lift(values):
    return np.array([Fraction(v) for v in np.asarray(values, dtype=float).ravel().tolist()], dtype=object).reshape(
        np.shape(values)
    )


def exact_units(model, inside, layer):
    """Inputs of the units of a hidden layer at exact points, in fractions."""
    value = inside
    for weight, bias in layers_of(model)[:layer]:
        z = value @ lift(weight).T + lift(bias)
        value = np.where(z > 0, z, Fraction(0))
    weight, bias = layers_of(model)[layer]
    return value @ lift(weight).T + lift(bias)


@given(relu_nets(max_width=6, max_depth=2, kinds=SINGULAR))
@settings(max_examples=40)
def test_degenerate_nets_are_exact(model):
    found = partition(model, SQUARE)
    assert found.count("activation") == found.cell_count == count_by_lp(model, SQUARE)
    assert str(found.status) == "exact"
    assert found.verify(points=200).passed


@given(relu_nets(dimension=1, max_width=6, max_depth=3, kinds=SINGULAR))
@settings(max_examples=40)
def test_degenerate_nets_on_a_line_are_exact(model):
    interval = Box(low=(-1.0,), high=(1.0,))
    found = partition(model, interval)
    assert found.count("activation") == count_by_lp(model, interval)
    assert str(found.status) == "exact"


@given(relu_nets(dimension=2, max_width=5, max_depth=2, kinds=SINGULAR))
@settings(max_examples=20)
def test_segments_through_the_kinks_of_many_units(model):
    """The diagonal and an axis run along lines of many degenerate nets."""
    for segment in (Segment((-1.0, -1.0), (1.0, 1.0)), Segment((-1.0, 0.0), (1.0, 0.0))):
        found = partition(model, segment)
        assert found.count("activation") == count_by_lp(model, segment)
        assert str(found.status) == "exact"


@given(relu_nets(max_width=5, max_depth=2, outputs=3, kinds=("integer", "bias_free", "duplicated")))
@settings(max_examples=25)
def test_classes_of_degenerate_nets(model):
    found = boundary(model, SQUARE)
    assert str(found.status) == "exact"
    assert found.class_areas.sum() == pytest.approx(4.0)
    points = found.complex.centroids[found.complex.volumes > 1e-9]
    values = read(model).evaluate(points)
    chosen = values[np.arange(len(points)), found.classes[found.complex.volumes > 1e-9]]
    assert (chosen >= values.max(1) - 1e-9).all()


@pytest.mark.parametrize("angle", [0.0, 0.1, np.pi / 4, 1.0])
def test_many_lines_through_one_point_off_the_grid(angle):
    """Lines through a point whose coordinates are no floats, so that rounding leaves every order open."""
    angles = angle + np.pi * np.arange(12) / 12
    normals = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    model = net((normals, -normals @ np.array([1 / 3, 0.1])), (np.ones((1, 12)), [0]))
    found = partition(model, SQUARE)
    assert str(found.status) == "exact"
    assert found.count("activation") == len(cells_by_clipping(model, SQUARE)) >= 24
    assert abs(found.volumes.sum() - 4) < 1e-9
    assert (found.volumes > 1e-12).sum() == 24


@pytest.mark.parametrize("point", [(0.3, 0.1), (0.3, 0.7), (1 / 3, 1 / 7)])
def test_lines_that_coincide_but_for_rounding(point):
    normals = np.array([[1.0, 2.0], [3.0, 6.0], [0.1, 0.2], [-1 / 3, -2 / 3]])
    model = net((normals, -normals @ point), (np.ones((1, 4)), [0]))
    found = partition(model, SQUARE)
    assert (found.volumes > 1e-9).sum() == 2
    assert found.cell_count == len(cells_by_clipping(model, SQUARE))
    assert str(found.status) == "exact"


def test_units_that_vanish_on_whole_cells_do_not_cut():
    """The second layer reads relu(x) + relu(-x) - |x| = 0 everywhere, and a unit that is shut on half of the square."""
    hidden = ([[1, 0], [-1, 0], [0, 1]], [0, 0, 0])
    found = partition(net(hidden, ([[1, -1, 0], [0, 0, 1], [0, 0, -1]], [0, 0, 0]), ([[1, 1, 1]], [0])), SQUARE)
    assert found.cell_count == 4
    assert found.verify().passed


def test_pooling_behind_shut_units_does_not_cut():
    """MaxPool after ReLU: where all members are 0 they tie, and the first one leads."""
    model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Unflatten(1, (1, 4)), nn.MaxPool1d(4), nn.Flatten()).double()
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]]))
        model[0].bias.fill_(-0.5)
    found = partition(model, SQUARE)
    assert found.count("affine") == 5
    middle = found.locate(np.zeros((1, 2)))[0]
    assert found.volumes[middle] == pytest.approx(1.0)
    assert found.patterns()[middle].tolist() == [0, 0, 0, 0, 0]
    assert found.verify().passed


def test_equal_competitors_do_not_cut():
    model = nn.Sequential(nn.Linear(2, 6), nn.Unflatten(1, (1, 6)), nn.MaxPool1d(3), nn.Flatten()).double()
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 0], [1, 0], [1, 0], [0, 1], [0, -1], [0, 1]]))
        model[0].bias.zero_()
    found = partition(model, SQUARE)
    assert found.cell_count == found.count("affine") == 2
    assert str(found.status) == "exact"


def test_lines_on_the_walls_and_through_the_corners():
    normals = [[1, 0], [-1, 0], [0, 1], [1, 1], [1, -1], [1, 1]]
    found = partition(net((normals, [1, 1, -1, 0, 0, 2]), (np.ones((1, 6)), [0])), SQUARE)
    assert found.cell_count == 4
    assert found.verify().passed


def test_a_window_in_which_everything_is_tiny():
    model = random_net([2, 8, 6, 1], rng=3)
    whole = partition(model, SQUARE)
    corner = whole.vertices[(np.abs(whole.vertices) < 0.9).all(1)][0]
    small = partition(model, Box(low=corner - 1e-9, high=corner + 1e-9))
    assert small.count("activation") == 4
    assert small.volumes.sum() == pytest.approx(4e-18, rel=1e-6)


def test_far_from_the_origin():
    model = random_net([2, 8, 6, 1], rng=3)
    with torch.no_grad():
        model[0].bias -= model[0].weight @ torch.tensor([1e6, -1e6], dtype=torch.float64)
    far = partition(model, Box(low=(1e6 - 1, -1e6 - 1), high=(1e6 + 1, -1e6 + 1)))
    near = partition(random_net([2, 8, 6, 1], rng=3), SQUARE)
    assert far.count("activation") == near.count("activation")


@pytest.mark.parametrize("kind", ["generic", "bias_free", "duplicated", "integer", "grid"])
@pytest.mark.parametrize("chart", [SQUARE, Plane.random(np.full(3, 0.3), radius=2.0, rng=4)], ids=["box", "plane"])
def test_carried_values_lie_within_their_bounds(kind, chart):
    """What the engine carries at each vertex, against the exact value at the float coordinates of that vertex."""
    model = random_net([chart.origin.size, 7, 6, 5, 1], kind=kind, rng=2)
    laid = plan(read(model).frozen(), chart)
    block, layer = first_block(laid), 0
    for place, i in enumerate(laid.order):
        if i in laid.steps:
            source = laid.steps[i].inputs[0]
            values = laid.affine[source].at(block.xy) if source in laid.affine else block.live[source]
            bound = laid.affine[source].bound if source in laid.affine else block.bounds[source]
            inside = lift(chart.origin) + lift(block.xy) @ lift(chart.basis)
            exact = exact_units(model, inside, layer)
            error = np.abs(lift(values) - exact).astype(float)
            allowed = bound.error + bound.slope * block.radius[:, None]
            assert (error <= allowed).all(), (error - allowed).max()
            assert (np.abs(values) <= bound.magnitude * (1 + 1e-12)).all()
            layer += 1
        advance(laid, block, place)
    assert layer == 3


@pytest.mark.parametrize("kind", ["generic", "parallel", "pruned"])
@pytest.mark.parametrize("seed", range(3))
def test_nets_without_coincidences_are_exact(kind, seed):
    assert str(partition(random_net([2, 10, 8, 6, 1], kind=kind, rng=seed), SQUARE).status) == "exact"


def test_signs_at_exact_interior_points_of_every_cell():
    """In every cell there is a rational point, its centroid, at which the exact pattern is that of the cell."""
    for kind in ("generic", "integer", "negated"):
        model = random_net([2, 7, 6, 1], kind=kind, rng=8)
        found = partition(model, SQUARE)
        exact = [exact_units(model, lift(found.centroids), layer) > 0 for layer in range(2)]
        big = found.volumes > 1e-12
        assert np.array_equal(np.concatenate(exact, axis=1)[big], found.patterns().astype(bool)[big])


def test_uncertain_cells_are_marked_and_counted(monkeypatch):
    """Without exact arithmetic the coincidences of a duplicated net stay open."""
    monkeypatch.setattr(_block, "TOTAL_WORK", 0)
    found = partition(random_net([2, 8, 6, 1], kind="duplicated", rng=0), SQUARE)
    assert found.status.verdict is Verdict.UNCERTAIN
    assert found.status.count == found.uncertain.sum() > 0
    assert "below the rounding bound" in found.status.sentence
