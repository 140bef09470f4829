"""Every piecewise-linear layer and the usual architectures: maps against the network at dense points, exact kinks."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from inscape.geometry import Box, Plane, Segment
from inscape.network import read
from inscape.regions import boundary, partition
from inscape.testing import breakpoints_by_bisection

SQUARE = Box(low=(-1.0, -1.0), high=(1.0, 1.0))


class Abs(nn.Module):
    def forward(self, x):
        return x.abs()


class Groups(nn.Module):
    """A function of groups of neighbouring units."""

    def __init__(self, size, function):
        super().__init__()
        self.size, self.function = size, function

    def forward(self, x):
        return self.function(x.unflatten(1, (-1, self.size))).flatten(1)


class Halves(nn.Module):
    """A function of both halves of the units."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(*x.chunk(2, dim=1))


class Residual(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return x + self.inner(x)


def descending(x):
    return x.sort(2, descending=True).values


# Name: (layer on 12 units, units behind it).
LAYERS = {
    "relu": (nn.ReLU, 12),
    "leaky": (lambda: nn.LeakyReLU(0.1), 12),
    "negative leak": (lambda: nn.LeakyReLU(-0.5), 12),
    "prelu": (lambda: nn.PReLU(12), 12),
    "relu6": (nn.ReLU6, 12),
    "hardtanh": (lambda: nn.Hardtanh(-0.5, 0.7), 12),
    "hardsigmoid": (nn.Hardsigmoid, 12),
    "threshold": (lambda: nn.Threshold(0.0, 0.0), 12),
    "abs": (Abs, 12),
    "maxout 2": (lambda: Groups(2, lambda x: x.amax(2)), 6),
    "maxout 4": (lambda: Groups(4, lambda x: x.amax(2)), 3),
    "minimum of 3": (lambda: Groups(3, lambda x: x.amin(2)), 4),
    "group sort 2": (lambda: Groups(2, lambda x: x.sort(2).values), 12),
    "group sort 3": (lambda: Groups(3, descending), 12),
    "maximum": (lambda: Halves(torch.maximum), 6),
    "minimum": (lambda: Halves(torch.minimum), 6),
    "residual": (lambda: Residual(nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 12))), 12),
    "pool": (lambda: nn.Sequential(nn.Unflatten(1, (1, 12)), nn.MaxPool1d(3, stride=2), nn.Flatten()), 5),
}


def model_of(name, inputs, dtype=torch.float64):
    make, units = LAYERS[name]
    torch.manual_seed(sum(map(ord, name)))
    model = nn.Sequential(nn.Linear(inputs, 12), make(), nn.Linear(units, 12), make(), nn.Linear(units, 3))
    with torch.no_grad():
        model[0].weight.mul_(4)  # so that clamps and sixes are reached
        model[2].weight.mul_(3)
    return model.to(dtype)


def read_with(model, shape):
    return read(model, torch.zeros(1, *shape, dtype=next(model.parameters()).dtype))


def assert_agrees(cells, network, *, points=100_000, tolerance=1e-9):
    """The maps against a forward pass, in parts so that wide layers fit."""
    t = np.random.default_rng(0).uniform(cells.domain.low, cells.domain.high, (points, cells.dimension))
    found = cells.evaluate(t)
    parts = np.array_split(t, max(1, points // 10_000))
    truth = np.concatenate([network.evaluate(cells.embed(part)).reshape(len(part), -1) for part in parts])
    assert np.abs(found - truth).max() <= tolerance * np.abs(truth).max()


@pytest.mark.parametrize("name", LAYERS)
def test_maps_on_a_square(name):
    network = read_with(model_of(name, 2), (2,))
    cells = partition(network, SQUARE)
    assert cells.cell_count > 10
    assert str(cells.status) == "exact"
    assert cells.verify().passed
    assert_agrees(cells, network, points=10_000, tolerance=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_kinks_along_a_segment(name):
    network = read_with(model_of(name, 3), (3,))
    segment = Segment((-1.0, -0.5, 0.3), (1.0, 0.8, -0.7))
    cells = partition(network, segment)
    kinks = breakpoints_by_bisection(network.evaluate, segment)
    assert len(kinks) > 0
    assert all(np.abs(cells.vertices[:, 0] - kink).min() < 1e-8 for kink in kinks)
    assert cells.count("connected") == len(kinks) + 1
    assert cells.verify().passed


@pytest.mark.parametrize("name", ["relu", "maxout 4", "group sort 3", "hardtanh", "residual"])
def test_single_precision_weights(name):
    network = read_with(model_of(name, 2, torch.float32), (2,))
    cells = partition(network, SQUARE)
    assert cells.verify().passed
    assert_agrees(cells, network, points=5000)


@pytest.mark.parametrize("name", LAYERS)
def test_patterns_are_full_dimensional_and_different(name):
    cells = partition(read_with(model_of(name, 2), (2,)), SQUARE)
    patterns = cells.patterns()
    assert len(np.unique(patterns, axis=0)) == cells.count("activation") == cells.cell_count


@pytest.mark.parametrize("name", ["maxout 4", "maximum", "minimum of 3", "pool"])
def test_leaders_are_the_largest_members(name):
    network = read_with(model_of(name, 2), (2,))
    cells = partition(network, SQUARE)
    values, column = {0: cells.embed(cells.centroids)}, 0
    for i, node in enumerate(network.nodes[1:], start=1):
        values[i] = node.apply(*(values[j] for j in node.inputs))
        if node.rule is not None:
            flat = np.concatenate([values[j].reshape(len(values[0]), -1) for j in node.inputs], axis=1)
            best = np.where(node.rule.groups >= 0, flat[:, node.rule.groups] * node.rule.sign, -np.inf).argmax(2)
            assert np.array_equal(cells.patterns()[:, column : column + best.shape[1]], best)
            column += best.shape[1]
    assert column == cells.patterns().shape[1]


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first, self.norm = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return F.relu(x + self.second(F.relu(self.norm(self.first(x)))))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.middle = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)
        self.up, self.out = nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(7, 2, 3, padding=1)

    def forward(self, x):
        fine = F.relu(self.down(x))
        coarse = F.relu(self.middle(F.max_pool2d(fine, 2)))
        return self.out(torch.cat([fine, self.up(coarse)], dim=1))


def lenet():
    features = [nn.Conv2d(1, 3, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(3, 4, 2), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*features, nn.Flatten(), nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))


def vgg():
    def stage(before, behind):
        return [nn.Conv2d(before, behind, 3, padding=1), nn.BatchNorm2d(behind), nn.ReLU(), nn.MaxPool2d(2)]

    return nn.Sequential(*stage(1, 3), *stage(3, 4), nn.Flatten(), nn.Linear(16, 3))


def resnet():
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3)]
    return nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), Block(3), *head)


@pytest.fixture(scope="module", params=[lenet, vgg, resnet, UNet], ids=lambda make: make.__name__)
def convolutional(request):
    """A conv net with running statistics of its own, and two images."""
    torch.manual_seed(0)
    model, images = request.param(), torch.randn(16, 1, 8, 8)
    model.train()(images)
    model.eval()
    return read(model, images[:1]), images[:2].double().numpy()


def test_conv_net_on_a_plane(convolutional):
    network, images = convolutional
    cells = partition(network, Plane.random(images[0], radius=1.0, rng=0))
    assert cells.cell_count > 50
    assert cells.verify().passed
    assert_agrees(cells, network)


def test_conv_net_along_a_segment(convolutional):
    network, images = convolutional
    segment = Segment(*images, margin=0.5)
    cells = partition(network, segment)
    assert cells.verify().passed
    assert_agrees(cells, network, points=20_000)
    ends = np.sort(cells.vertices[cells.complex.ends][:, :, 0], axis=1)
    first, middle, last = (network.evaluate(cells.embed((ends @ w)[:, None])) for w in ([1, 0], [0.5, 0.5], [0, 1]))
    assert np.abs((first + last) / 2 - middle).max() < 1e-12 * np.abs(middle).max()
    assert len(np.unique(cells.patterns(), axis=0)) == cells.cell_count


def test_class_of_a_conv_net_on_a_plane(convolutional):
    network, images = convolutional
    if len(network.output_shape) > 1:
        return
    plane = Plane.random(images[0], radius=3.0, rng=1)
    found = boundary(network, plane)
    points = found.complex.centroids[found.complex.volumes > 1e-9]
    values = network.evaluate(plane.embed(points))
    assert np.array_equal(values.argmax(1), found.classes[found.complex.volumes > 1e-9])
    assert found.class_areas.sum() == pytest.approx(36.0)


def test_dropout_and_batch_norm_follow_evaluation_mode():
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))
    model.train()(torch.randn(64, 2))
    model.eval()
    cells = partition(model, SQUARE)
    t = np.random.default_rng(0).uniform(-1, 1, (1000, 2))
    truth = model.double()(torch.tensor(t)).detach().numpy()
    assert np.allclose(cells.evaluate(t), truth, atol=1e-12)


@pytest.mark.parametrize("straight", [slice(60, None), slice(None, 10), slice(None)])
def test_units_without_a_kink_cut_nothing(straight):
    """A slope of exactly 1 makes a PReLU unit linear: it has no predicate, and shifts those of the others."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(2, 70), nn.PReLU(70), nn.Linear(70, 6), nn.PReLU(6), nn.Linear(6, 1))
    with torch.no_grad():
        model[1].weight[straight] = 1.0
        model[3].weight[-1] = 1.0
    cells = partition(model, Box(low=(-1, -1), high=(1, 1)))
    kinks = int((model[1].weight != 1).sum()) + 5
    assert sum(step.size for step in cells.steps) == kinks
    assert cells.verify().passed
