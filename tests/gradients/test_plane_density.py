"""Density on a grid against kernels summed one by one."""

import numpy as np
import pytest
from scipy.stats import gaussian_kde

from inscape.geometry import Box
from inscape.gradients._plane_density import plane_density


def test_it_is_a_sum_of_kernels():
    rng = np.random.default_rng(0)
    points = rng.standard_normal((500, 2)) * [1.0, 0.4]
    points -= points.mean(0)
    axes = np.linalg.svd(points, full_matrices=False)[2]
    points = points @ axes.T  # uncorrelated, so that scipy's kernels lie along the axes too
    box = Box(low=(-2, -1), high=(3, 1))
    found = plane_density(points, box, (80, 200))
    x, y = -2 + (np.arange(200) + 0.5) * 5 / 200, -1 + (np.arange(80) + 0.5) * 2 / 80
    truth = gaussian_kde(points.T)(np.stack([np.tile(x, 80), np.repeat(y, 200)])).reshape(80, 200)
    assert np.abs(found - truth).max() < 0.02 * truth.max()


def test_points_outside_the_window_keep_their_share():
    points = np.random.default_rng(0).uniform(-1, 1, (4000, 2))
    whole = plane_density(points, Box(low=(-2, -2), high=(2, 2)), (64, 64))
    part = plane_density(points, Box(low=(-1, -1), high=(0, 0)), (64, 64))
    assert whole.sum() * (4 / 64) ** 2 == pytest.approx(1.0, abs=1e-3)
    assert part.sum() / 64**2 == pytest.approx(whole[16:32, 16:32].sum() * (4 / 64) ** 2, rel=0.02)


def test_no_points_have_no_density():
    assert plane_density(np.zeros((0, 2)), Box(low=(0, 0), high=(1, 1)), (3, 3)).shape == (0, 0)
