"""Decision boundaries against closed forms, dense samples and Monte Carlo areas."""

import inspect
from math import sqrt

import numpy as np
import pytest
import torch
from torch import nn

from inscape.geometry import Box, Plane, Segment
from inscape.network import read
from inscape.regions import boundary
from inscape.testing import random_net, sequential, unchanged

SQUARE = Box(low=(-1.0, -1.0), high=(1.0, 1.0))
LINE = Box(low=(-1.0,), high=(1.0,))


def net(*layers):
    return sequential([(np.array(w, dtype=float), np.array(b, dtype=float)) for w, b in layers])


def diamond(radius=0.0):
    """|x| + |y| - radius."""
    return net(([[1, 0], [-1, 0], [0, 1], [0, -1]], [0, 0, 0, 0]), ([[1, 1, 1, 1]], [-radius]))


def affine(weight, bias):
    return net((weight, bias))


def squares(outer, inner):
    """Positive between two squares: min(max(|x|, |y|) - inner, outer - max(|x|, |y|))."""

    class Frame(nn.Module):
        def forward(self, x):
            r = x.abs().amax(dim=1, keepdim=True)
            return torch.minimum(r - inner, outer - r)

    return read(Frame(), torch.zeros(1, 2, dtype=torch.float64))


CLOSED_FORMS = {
    # name: (model, options, length, components, area of class 1)
    "line": (affine([[1, 0]], [0]), {}, 2.0, 1, 2.0),
    "slanted line": (affine([[1, 1]], [0]), {}, 2 * sqrt(2), 1, 2.0),
    "corner cut": (affine([[1, 1]], [-1.5]), {}, sqrt(2) / 2, 1, 1 / 8),
    "outside": (affine([[1, 1]], [-5]), {}, 0.0, 0, 0.0),
    "level": (affine([[1, 0]], [0]), {"level": 0.25}, 2.0, 1, 1.5),
    "diamond": (diamond(0.5), {}, 4 * sqrt(0.5), 1, 4 - 0.5),
    "diamond by level": (diamond(), {"level": 0.5}, 4 * sqrt(0.5), 1, 4 - 0.5),
    "two stripes": (net(([[1, 0], [-1, 0]], [0, 0]), ([[1, 1]], [-0.5])), {}, 4.0, 2, 2.0),
    "frame": (squares(0.75, 0.5), {}, 10.0, 2, 1.5**2 - 1),
    "two classes": (affine([[1, 0], [0, 1]], [0, 0]), {}, 2 * sqrt(2), 1, 2.0),
}


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_closed_forms(name):
    model, options, length, components, area = CLOSED_FORMS[name]
    found = boundary(model, SQUARE, **options)
    assert found.length == pytest.approx(length, abs=1e-12)
    assert found.components == components
    assert found.class_areas == pytest.approx([4 - area, area], abs=1e-12)
    assert found.lengths.sum() == pytest.approx(found.length)


def test_three_sectors_meet_in_a_point():
    angles = 2 * np.pi * np.arange(3) / 3 + 0.1
    found = boundary(affine(np.stack([np.cos(angles), np.sin(angles)], axis=1), [0, 0, 0]), SQUARE)
    assert found.components == 1
    assert found.class_components.tolist() == [1, 1, 1]
    assert sorted(map(tuple, np.sort(found.pairs, axis=1).tolist())) == [(0, 1), (0, 2), (1, 2)]
    rays = angles + np.pi / 3
    reach = 1 / np.maximum(np.abs(np.cos(rays)), np.abs(np.sin(rays)))
    assert found.length == pytest.approx(reach.sum(), rel=1e-9)


@pytest.mark.parametrize("between", [(0, 1), (1, 0)])
def test_boundary_between_two_classes_ignores_the_others(between):
    model = affine([[1, 0], [-1, 0], [0, 5]], [0, 0, 10])  # the third is largest everywhere
    assert boundary(model, SQUARE).length == 0
    found = boundary(model, SQUARE, between=between)
    assert found.length == pytest.approx(2.0)
    assert found.class_areas == pytest.approx([2, 2, 0])
    assert {tuple(sorted(pair)) for pair in found.pairs.tolist()} == {(0, 1)}


def test_frame_has_one_area_inside_and_one_outside_and_the_ring():
    found = boundary(squares(0.75, 0.5), SQUARE)
    assert found.class_components.tolist() == [2, 1]


def models():
    sort = nn.Sequential(nn.Linear(2, 12), nn.Unflatten(1, (1, 12)), nn.MaxPool1d(3), nn.Flatten(), nn.Linear(4, 3))
    return {
        "mlp": (random_net([2, 12, 10, 4], rng=3), SQUARE),
        "one output": (random_net([2, 12, 10, 1], rng=0), SQUARE),
        "bias free": (random_net([2, 12, 10, 3], kind="bias_free", rng=3), SQUARE),
        "integer": (random_net([2, 8, 6, 3], kind="integer", rng=2), SQUARE),
        "pooled": (sort.double(), SQUARE),
        "plane": (random_net([6, 12, 10, 4], rng=5), Plane.random(np.full(6, 0.1), radius=2.0, rng=1)),
    }


@pytest.fixture(scope="module", params=["mlp", "one output", "bias free", "integer", "pooled", "plane"])
def case(request):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model, chart = models()[request.param]
    network = read(model, torch.zeros(1, *chart.shape, dtype=torch.float64))
    return network, boundary(network, chart)


def classes_at(network, found, t):
    """Class by a forward pass, and by how much it leads."""
    flat = (found.domain.origin + t @ found.domain.basis).reshape(-1, *found.domain.shape)
    values = network.evaluate(flat)
    if values.shape[1] == 1:
        return (values[:, 0] > 0).astype(int), np.abs(values[:, 0])
    top = np.sort(values, axis=1)
    return values.argmax(1), top[:, -1] - top[:, -2]


def test_class_on_both_sides_of_each_piece(case):
    network, found = case
    assert len(found.pairs) > 0
    long = found.lengths > 1e-4
    middle, step = found.segments.mean(1)[long], 1e-7 * found.normals[long]
    left, lead_left = classes_at(network, found, middle - step)
    right, lead_right = classes_at(network, found, middle + step)
    clear = (lead_left > 1e-12) & (lead_right > 1e-12)
    assert clear.mean() > 0.9
    assert np.array_equal(np.stack([left, right], axis=1)[clear], found.pairs[long][clear])


def test_outputs_are_equal_on_the_boundary(case):
    network, found = case
    points = np.concatenate(found.segments[:, :])
    assert classes_at(network, found, points)[1].max() < 1e-10


def test_pieces_have_the_class_of_the_network(case):
    network, found = case
    big = found.complex.volumes > 1e-9
    classes, lead = classes_at(network, found, found.complex.centroids[big])
    clear = lead > 1e-12
    assert np.array_equal(classes[clear], found.classes[big][clear])


def test_areas_by_monte_carlo(case):
    network, found = case
    t = np.random.default_rng(0).uniform(found.domain.low, found.domain.high, (100_000, 2))
    share = np.bincount(classes_at(network, found, t)[0], minlength=found.class_count) / len(t)
    window = np.prod(found.domain.high - found.domain.low)
    assert found.class_areas.sum() == pytest.approx(window, rel=1e-12)
    assert np.abs(found.class_areas / window - share).max() < 5 * 0.5 / sqrt(len(t))


def test_dense_grid_sees_no_class_that_is_not_there(case):
    network, found = case
    t = np.random.default_rng(1).uniform(found.domain.low, found.domain.high, (100_000, 2))
    classes, lead = classes_at(network, found, t)
    assert set(classes[lead > 1e-9]) <= set(np.flatnonzero(found.class_areas > 0))


def test_curves_end_at_walls_or_not_at_all(case):
    """Between two classes every inner point of a curve has an even number of pieces; ends lie on the wall."""
    _, found = case
    ends = found.complex.ends[np.flatnonzero((found.complex.neighbours >= 0).all(1))]
    sides = found.complex.neighbours[(found.complex.neighbours >= 0).all(1)]
    ends = ends[found.classes[sides[:, 0]] != found.classes[sides[:, 1]]]
    vertex, degree = np.unique(ends, return_counts=True)
    xy = found.complex.vertices[vertex]
    wall = ((xy == found.domain.low) | (xy == found.domain.high)).any(1)
    assert (degree[~wall] >= 2).all()


def test_boundary_on_an_interval():
    found = boundary(net(([[1], [-1]], [0, 0]), ([[1, 1]], [-0.5])), LINE)  # |x| - 1/2
    assert np.sort(found.segments.ravel()) == pytest.approx([-0.5, 0.5])
    assert (found.length, found.components) == (2.0, 2)
    assert found.class_areas == pytest.approx([1, 1])
    left_to_right = found.pairs[np.argsort(found.segments.ravel())]
    assert left_to_right.tolist() == [[1, 0], [0, 1]]
    assert found.class_components.tolist() == [1, 2]


def test_boundary_along_a_segment_is_that_of_the_plane():
    model = random_net([2, 12, 10, 4], rng=3)
    segment = Segment((-0.9, -0.8), (0.95, 0.7))
    t = np.linspace(0, segment.high[0], 100_000)[:, None]
    values = read(model).evaluate(segment.embed(t)).argmax(1)
    changes = np.flatnonzero(np.diff(values))
    found = boundary(model, segment)
    places = np.sort(found.segments.ravel())
    assert len(places) == len(changes)
    assert np.abs(places - t[changes, 0]).max() < 2 * segment.high[0] / len(t)


def test_ties_everywhere_go_to_the_lowest_class():
    found = boundary(affine([[1, 1], [1, 1], [1, 1]], [0, 0, 0]), SQUARE)
    assert found.length == 0
    assert found.class_areas == pytest.approx([4, 0, 0])


def test_status_of_a_generic_multi_class_net_is_exact():
    assert str(boundary(random_net([2, 12, 10, 4], rng=3), SQUARE).status) == "exact"


@pytest.mark.parametrize("between", [(0, 0), (0, 4), (-1, 2)])
def test_classes_that_are_not_there_are_named(between):
    with pytest.raises(ValueError, match=r"two different outputs of 0 to 3, got \("):
        inspect.unwrap(boundary)(random_net([2, 5, 4], rng=0), SQUARE, between=between)


def test_limit_is_said():
    found = boundary(random_net([2, 20, 20, 4], rng=3), SQUARE, max_cells=20)
    assert str(found.status).startswith("limit(20)")
    assert found.complex.cell_count == 20


def test_model_stays():
    model = random_net([2, 6, 3], rng=0)
    with unchanged(model):
        boundary(model, SQUARE).facts()


def test_table_and_polygons(case):
    _, found = case
    table = found.to_dataframe()
    assert len(table) == len(found.pairs)
    assert table["length"].sum() == pytest.approx(found.length)
    points, offsets = found.polygons()
    assert len(offsets) == found.complex.cell_count + 1
    assert len(points) == offsets[-1]
