"""Single regions in the whole input space: half-spaces, affine maps and neighbours against forward passes."""

import numpy as np
import pytest
import torch
from torch import nn

from inscape._errors import DomainError, UnsupportedLayerError
from inscape.geometry import (
    Box,
    Plane,
    local_plan,
    neighbour,
    neighbours,
    neighbours_of,
    patterns_at,
    region_at,
    region_of,
    regions_of,
)
from inscape.network import read
from inscape.regions import partition
from inscape.testing import NET_KINDS, random_net


class Sorted(nn.Module):
    def __init__(self, size, *, descending):
        super().__init__()
        self.size, self.descending = size, descending

    def forward(self, x):
        return torch.sort(x.reshape(x.shape[0], -1, self.size), dim=-1, descending=self.descending)[0].flatten(1)


class Least(nn.Module):
    def forward(self, x):
        return x.reshape(x.shape[0], -1, 3).amin(dim=2)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(4, 6), nn.Linear(6, 4), nn.Linear(8, 2)

    def forward(self, x):
        inner = torch.relu(self.second(torch.relu(self.first(x))) + x)
        return self.last(torch.cat([inner, x], dim=1))


def seeded(*modules):
    torch.manual_seed(7)
    model = nn.Sequential(*(make() for make in modules)).double()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn_like(p) / 2)
    return model


def dense(inputs, outputs):
    return lambda: nn.Linear(inputs, outputs)


MODELS = {
    "relu": (seeded(dense(4, 9), nn.ReLU, dense(9, 7), nn.ReLU, dense(7, 3)), (4,)),
    "leaky": (seeded(dense(4, 9), lambda: nn.LeakyReLU(0.2), dense(9, 5), nn.PReLU, dense(5, 2)), (4,)),
    "clamp": (seeded(dense(4, 9), nn.ReLU6, dense(9, 7), nn.Hardtanh, dense(7, 5), nn.Hardsigmoid), (4,)),
    "ascending": (seeded(dense(4, 8), lambda: Sorted(4, descending=False), dense(8, 2)), (4,)),
    "descending": (
        seeded(dense(4, 9), lambda: Sorted(3, descending=True), dense(9, 6), lambda: Sorted(2, descending=True)),
        (4,),
    ),
    "minimum": (seeded(dense(4, 12), Least, dense(4, 6), Least), (4,)),
    "pool": (
        seeded(
            lambda: nn.Conv2d(1, 3, 3, padding=1),
            nn.ReLU,
            lambda: nn.MaxPool2d(3, 2, padding=1),
            lambda: nn.Conv2d(3, 2, 2),
            nn.ReLU,
            nn.Flatten,
            dense(8, 2),
        ),
        (1, 6, 6),
    ),
    "residual": (seeded(Residual), (4,)),
    "affine": (seeded(dense(4, 2)), (4,)),
}
NAMES = [name for name in MODELS if name != "affine"]


def planned(name):
    model, shape = MODELS[name]
    network = read(model, torch.zeros(2, *shape, dtype=torch.float64)).frozen()
    return network, local_plan(network)


def exit_of(region, x, v):
    """Half-space through which a ray leaves a region, and when."""
    speed = region.normals @ v
    real = (region.hyperplanes[0] >= 0) & (speed > 1e-12)
    time = np.where(real, (region.offsets - region.normals @ x) / np.where(real, speed, 1.0), np.inf)
    return int(time.argmin()), float(time.min())


def equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("name", MODELS)
def test_affine_map_is_the_model_at_the_point(name):
    network, plan = planned(name)
    rng = np.random.default_rng(0)
    for x in rng.standard_normal((5, plan.dimension)):
        region = region_at(plan, x)
        assert not region.contradictory
        assert np.allclose(region.values(x[None])[0], network.evaluate(x.reshape(1, *network.input_shape)).ravel())


@pytest.mark.parametrize("name", NAMES)
def test_a_point_lies_in_the_half_spaces_if_and_only_if_it_has_the_pattern(name):
    _, plan = planned(name)
    rng = np.random.default_rng(1)
    inside = 0
    for x in rng.standard_normal((5, plan.dimension)):
        region = region_at(plan, x)
        points = x + rng.standard_normal((60, plan.dimension)) * rng.choice([0.003, 0.05, 1.0], size=(60, 1))
        patterns = patterns_at(plan, points)
        same = np.logical_and.reduce([(p == q).all(1) for p, q in zip(patterns, region.pattern, strict=True)])
        assert np.array_equal(same, (region.slack(points) >= 0).all(1))
        inside += same.sum()
    assert 15 < inside < 250  # both answers occur


@pytest.mark.parametrize("name", NAMES)
def test_neighbour_has_the_pattern_of_a_point_just_beyond_the_facet(name):
    _, plan = planned(name)
    rng = np.random.default_rng(2)
    crossed = 0
    for x in rng.standard_normal((4, plan.dimension)):
        region = region_at(plan, x)
        for v in rng.standard_normal((3, plan.dimension)):
            row, time = exit_of(region, x, v)
            if np.isfinite(time):
                beyond = neighbour(plan, region, row)
                assert equal(beyond, region_at(plan, x + v * (time + 1e-9)).pattern)
                assert equal(beyond, region_at(plan, x + v * time, direction=v).pattern)
                crossed += 1
    assert crossed > 5


@pytest.mark.parametrize("kind", NET_KINDS)
def test_neighbours_of_degenerate_nets_and_the_way_back(kind):
    rng = np.random.default_rng(3)
    for seed in range(2):
        plan = local_plan(read(random_net([3, 6, 5, 4, 1], kind=kind, rng=seed)).frozen())
        for x in rng.standard_normal((5, 3)):
            region, v = region_at(plan, x), rng.standard_normal(3)
            row, time = exit_of(region, x, v)
            if not np.isfinite(time) or time > 1e6:
                continue
            other = region_of(plan, neighbour(plan, region, row))
            step = 1e-7 * (1 + time)
            assert equal(other.pattern, region_at(plan, x + v * (time + step)).pattern)
            back, _ = exit_of(other, x + v * (time + step), -v)
            assert equal(neighbour(plan, other, back), region.pattern)


def folded():
    """relu(x), relu(-x), then relu(relu(x) - relu(-x) / 2) and relu(relu(x) + relu(-x)): the last never changes."""
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)).double()
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
        model[0].weight.copy_(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
        model[2].weight.copy_(torch.tensor([[1.0, -0.5], [1.0, 1.0], [1.0, 0.0]]))
    return model


def test_a_predicate_that_only_touches_zero_is_not_flipped_and_a_dead_one_wakes_up():
    plan = local_plan(read(folded()).frozen())
    left = region_at(plan, np.array([-1.0, 0.3]))
    assert [part.tolist() for part in left.pattern] == [[False, True], [False, True, False]]
    row = int(np.flatnonzero(left.labels == 0)[0])
    beyond = neighbour(plan, left, row)
    assert [part.tolist() for part in beyond] == [[True, False], [True, True, True]]
    assert left.hyperplanes[0].tolist() == [0, 0, 0, 0, -1]  # one hyperplane; the last unit is zero on the left


def test_constant_predicates_are_no_half_spaces():
    model = random_net([3, 5, 1], kind="pruned", rng=0)  # unit 0 is -1 everywhere
    region = region_at(read(model).frozen(), np.zeros(3))
    assert region.hyperplanes[0][0] == -2
    assert 0 not in region.distinct
    assert np.isinf(region.slack(np.ones((1, 3)))[0, 0])
    wrong = tuple(part.copy() for part in region.pattern)
    wrong[0][0] = True
    assert region_of(read(model).frozen(), wrong).contradictory


def test_a_point_on_hyperplanes_belongs_to_the_side_of_the_direction():
    plan = local_plan(read(random_net([3, 6, 4, 1], kind="bias_free", rng=1)).frozen())
    rng = np.random.default_rng(4)
    for v in rng.standard_normal((8, 3)):
        assert equal(region_at(plan, np.zeros(3), direction=v).pattern, region_at(plan, 0.1 * v).pattern)


@pytest.mark.parametrize("kind", NET_KINDS)
def test_patterns_are_those_of_the_cells_in_the_plane(kind):
    model = random_net([2, 6, 5, 1], kind=kind, rng=2)
    cells = partition(model, Box(low=(-1, -1), high=(1, 1)))
    found = patterns_at(read(model).frozen(), cells.centroids)
    assert np.array_equal(np.concatenate(found, axis=1), cells.patterns())


def test_many_regions_at_once_are_the_single_ones():
    _, plan = planned("pool")
    points = np.random.default_rng(5).standard_normal((7, plan.dimension))
    together = regions_of(plan, patterns_at(plan, points))
    for x, region in zip(points, together, strict=True):
        alone = region_at(plan, x)
        assert np.allclose(region.normals, alone.normals)
        assert np.allclose(region.offsets, alone.offsets)
        assert np.array_equal(region.labels, alone.labels)
        assert len(region.labels) == len(np.unique(region.labels))
        assert np.allclose(region.output, alone.output)
    rows = together[0].distinct[:5]
    for i, row in enumerate(rows):
        beyond = neighbours(plan, together[0], rows)
        assert equal([part[i] for part in beyond], neighbour(plan, together[0], int(row)))
    several = neighbours_of(plan, together[:3], [region.distinct[:2] for region in together[:3]])
    for i, region in enumerate(together[:3]):
        assert equal([part[2 * i : 2 * i + 2] for part in several], neighbours(plan, region, region.distinct[:2]))
    none = neighbours(plan, together[0], np.zeros(0, np.int64))
    assert [part.shape for part in none] == [(0, *part.shape) for part in together[0].pattern]


def test_errors_cover_the_distance_to_exact_arithmetic():
    """Integer weights give exact half-spaces; the same map in other units must agree within its bounds."""
    model = random_net([4, 8, 8, 8, 1], rng=3)
    exact = region_at(read(model).frozen(), np.full(4, 0.1))
    with torch.no_grad():  # a common factor that is no power of two, undone by the next layer
        model[0].weight.mul_(3.1), model[0].bias.mul_(3.1), model[2].weight.div_(3.1)
    other = region_at(read(model).frozen(), np.full(4, 0.1))
    factor = np.where(np.arange(len(exact.offsets)) < 8, 3.1, 1.0)
    rounding = 4 * 2.0**-53  # of the weights themselves
    gap = np.abs(other.offsets / factor - exact.offsets)
    assert (gap <= exact.errors[:, 0] + other.errors[:, 0] + 100 * rounding * (1 + np.abs(exact.offsets))).all()
    assert (exact.errors < 1e-11).all()
    assert (exact.errors[8:] > 0).all()


def test_plane_in_a_larger_space():
    network, _ = planned("relu")
    plane = Plane.random(np.full(4, 0.1), rng=0)
    plan = local_plan(network, plane)
    whole = region_at(network, plane.embed(np.array([[0.2, 0.1]]))[0])
    slice_ = region_at(plan, np.array([0.2, 0.1]))
    assert equal(whole.pattern, slice_.pattern)
    assert np.allclose(slice_.normals, whole.normals @ plane.basis.T)
    assert np.allclose(slice_.offsets, whole.offsets - whole.normals @ plane.origin)


def test_a_network_without_kinks_is_one_region():
    _, plan = planned("affine")
    region = region_at(plan, np.ones(4))
    assert region.normals.shape == (0, 4)
    assert region.distinct.size == 0


def test_misuse_is_named():
    smooth = read(nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)))
    with pytest.raises(UnsupportedLayerError, match="Tanh at '1'"):
        local_plan(smooth)
    with pytest.raises(DomainError, match=r"input space of shape \(4,\)"):
        local_plan(planned("relu")[0], Box(low=(0, 0), high=(1, 1)))
