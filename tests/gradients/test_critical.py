"""The critical scale against a scan of all scales, and against order statistics."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import norm

from inscape.gradients._activations import Activation
from inscape.gradients._critical import critical_scale, effective_at

SLOPES = {
    "sigmoid": lambda z: np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))) ** 2,
    "tanh": lambda z: np.exp(-2 * np.abs(z)) / (1 + np.exp(-2 * np.abs(z))) ** 2,
    "softsign": lambda z: 1 / (1 + np.abs(z)) ** 2,
    "hardtanh": lambda z: (np.abs(z) <= 1).astype(float),
    "softplus": lambda z: 1 / (1 + np.exp(-np.clip(z, -700, 700))),
}
FUNCTIONS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softsign": F.softsign,
    "hardtanh": F.hardtanh,
    "softplus": F.softplus,
    "relu": F.relu,
}
GRID = np.geomspace(1e-2, 3e2, 2501)


def made(name):
    return Activation(name=name, function=FUNCTIONS[name])


def planted():
    rng = np.random.default_rng(3)
    return rng.standard_normal((150, 4)) * [1.0, 8.0, 2.0, 1.0] + [0.0, 1.0, 0.1, -2.5]


def scanned(name, values, needed):
    """The last scale of the grid at which the number is reached."""
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = [SLOPES[name](scale * values) for scale in GRID]
        counts = np.array([np.nan_to_num(w.sum() ** 2 / np.square(w).sum()) for w in weights])
    enough = np.flatnonzero(counts >= needed)
    return np.inf if enough[-1] == len(GRID) - 1 else GRID[enough[-1]]


@pytest.mark.parametrize("needed", [5, 40])
@pytest.mark.parametrize("name", SLOPES)
def test_scale_is_that_of_a_scan(name, needed):
    values = planted()
    found = critical_scale(made(name), torch.from_numpy(values), needed).numpy()
    truth = np.array([scanned(name, column, needed) for column in values.T])
    np.testing.assert_allclose(found, truth, rtol=GRID[1] / GRID[0] - 1 + 1e-6)


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_at_the_scale_the_number_is_the_one_needed(name):
    values = torch.from_numpy(planted())
    scale = critical_scale(made(name), values, 12)
    assert effective_at(made(name), values, scale).tolist() == pytest.approx([12.0] * 4, rel=1e-6)


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_values_far_away_are_left_out_only_where_they_weigh_nothing(name):
    far = np.concatenate([np.linspace(-1, 1, 3), np.full(400, 1.5)])  # many values at one distance: none may be missed
    values = np.stack([far, norm.ppf((np.arange(403) + 0.5) / 403)], axis=1)
    found = critical_scale(made(name), torch.from_numpy(values), 10)
    assert effective_at(made(name), torch.from_numpy(values), found).tolist() == pytest.approx([10.0] * 2, rel=1e-6)


def test_of_a_box_it_is_an_order_statistic():
    values = planted()
    found = critical_scale(made("hardtanh"), torch.from_numpy(values), 7).numpy()
    np.testing.assert_allclose(found, 1 / np.sort(np.abs(values), axis=0)[6], rtol=1e-6)


def test_far_in_saturation_the_asymptote_holds():
    values = torch.from_numpy(20 * norm.ppf((np.arange(4000) + 0.5) / 4000))[:, None]
    now = float(effective_at(made("tanh"), values, torch.ones(1, dtype=torch.float64)))
    assert float(critical_scale(made("tanh"), values, 30)) == pytest.approx(now / 30, rel=0.01)


def test_a_rectifier_knows_no_scale():
    values = torch.tensor([[1.0, -1.0], [2.0, -1.0], [-1.0, 3.0]], dtype=torch.float64)
    assert critical_scale(made("relu"), values, 2).tolist() == [torch.inf, 0.0]


def test_fewer_values_than_needed_have_none():
    assert critical_scale(made("tanh"), torch.zeros(3, 2, dtype=torch.float64), 4).isnan().all()


def test_values_on_the_hyperplane_support_it_at_any_scale():
    assert critical_scale(made("tanh"), torch.zeros(9, 1, dtype=torch.float64), 4).tolist() == [torch.inf]
