"""Generated points: closed forms without noise, scikit-learn's own points, class counts, seeds."""

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from sklearn.datasets import make_circles, make_moons

from inscape import data
from inscape._errors import DataError
from inscape.data._planar import mixture_centres

PLANAR = ("moons", "circles", "spirals", "blobs", "gmm2d", "swissroll", "cones", "segments")


def _sorted(points):
    return points[np.lexsort(np.round(points, 5).T)]


@pytest.mark.parametrize("n", [10, 101])
def test_moons_without_noise_are_scikit_learns(n):
    x, y = data.load("moons", n=n, noise=0.0)
    truth, labels = make_moons((n - n // 2, n // 2), shuffle=False, noise=None)
    for label in (0, 1):
        np.testing.assert_allclose(_sorted(x[y == label].numpy()), _sorted(truth[labels == label]), atol=1e-6)


def test_circles_without_noise_are_scikit_learns():
    x, y = data.load("circles", n=50, noise=0.0, factor=0.3)
    truth, labels = make_circles(50, shuffle=False, noise=None, factor=0.3)
    for label in (0, 1):
        np.testing.assert_allclose(_sorted(x[y == label].numpy()), _sorted(truth[labels == label]), atol=1e-6)


def test_spirals_lie_on_archimedes_curve():
    x, y = data.load("spirals", n=300, arms=3, turns=1.0, noise=0.0)
    radius = x.norm(dim=1)
    expected = torch.remainder(2 * torch.pi * (radius + y / 3), 2 * torch.pi)
    found = torch.remainder(torch.atan2(x[:, 1], x[:, 0]), 2 * torch.pi)
    gap = torch.remainder(found - expected + torch.pi, 2 * torch.pi) - torch.pi
    assert gap.abs().max() < 1e-4
    assert y.bincount().tolist() == [100, 100, 100]


def test_swissroll_radius_grows_with_the_angle():
    x, y = data.load("swissroll", n=400, noise=0.0)
    angle = x.norm(dim=1) * 4.5 * torch.pi
    np.testing.assert_allclose(x[:, 0], angle * torch.cos(angle) / (4.5 * torch.pi), atol=1e-5)
    assert torch.equal(y, (angle >= 3 * torch.pi).long())


@pytest.mark.parametrize("components", [1, 2, 4, 5, 9])
def test_mixture_has_its_moments(components):
    x, y = data.load(f"gmm2d({components})", n=4000, noise=0.1)
    centres = mixture_centres(components)
    assert np.abs(centres).max() <= 1
    for k in range(components):
        group = x[y == k].numpy()
        error = 5 * 0.1 / np.sqrt(len(group))
        np.testing.assert_allclose(group.mean(0), centres[k], atol=error)
        np.testing.assert_allclose(group.std(0), 0.1, atol=error)


def test_name_with_number_and_option_are_the_same_set():
    first, second = data.load("gmm2d(9)", rng=3), data.load("gmm2d", components=9, rng=3)
    assert torch.equal(first[0], second[0])
    with pytest.raises(DataError, match="no option 'components'"):
        data.load("gmm2d(9)", components=4)


@pytest.mark.parametrize("apexes", [1, 2, 3, 5])
def test_cones_cost_their_radius(apexes):
    x, y = data.load("cones", n=60, apexes=apexes, radius=0.7)
    cost = cdist(x[y == 0].double(), x[y == 1].double())
    assert cost[linear_sum_assignment(cost)].mean() == pytest.approx(0.7, abs=1e-6)
    assert len(x[y == 0].round(decimals=4).unique(dim=0)) == apexes


def test_segments_cost_their_distance():
    x, y = data.load("segments", n=80, distance=1.5)
    cost = cdist(x[y == 0].double(), x[y == 1].double())
    assert cost[linear_sum_assignment(cost)].mean() == pytest.approx(1.5, abs=1e-6)


@pytest.mark.parametrize("name", [*PLANAR, "mnist1d"])
def test_seed_decides_and_global_state_is_untouched(name):
    numpy_state, torch_state = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    first, same, other = (data.load(name, n=60, rng=seed) for seed in (1, 1, 2))
    assert torch.equal(first[0], same[0])
    assert torch.equal(first[1], same[1])
    assert not torch.equal(first[0], other[0])
    assert first[0].dtype == torch.float32
    assert first[1].dtype == torch.int64
    assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_state)


@pytest.mark.parametrize("name", PLANAR)
def test_noise_has_its_deviation_and_counts_are_exact(name):
    x, _ = data.load(name, n=333, noise=0.0)
    assert x.shape == (333, 2)
    if name not in {"gmm2d", "blobs"}:
        noisy, _ = data.load(name, n=333, noise=3.0)
        assert noisy.std() > 1.5 > x.std() / 2


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("moons", {"n": 1}, "got n=1"),
        ("moons", {"noise": -1.0}, "noise"),
        ("moons", {"noise": float("nan")}, "noise"),
        ("circles", {"factor": 1.0}, "factor"),
        ("spirals", {"arms": 0}, "arms"),
        ("blobs", {"centers": 0}, "centers"),
        ("gmm2d", {"n": 0}, "n=0"),
        ("gmm2d", {"components": 0}, "components"),
        ("swissroll", {"n": 0}, "n=0"),
        ("cones", {"radius": 0.0}, "radius"),
        ("segments", {"distance": -1.0}, "distance"),
        ("mnist1d", {"n": 3}, "n=3"),
        ("mnist1d", {"noise": -0.1}, "noise"),
    ],
)
def test_impossible_options_are_named(name, options, words):
    with pytest.raises(DataError, match=words):
        data.load(name, **options)
