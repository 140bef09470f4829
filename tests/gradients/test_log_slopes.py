"""Logarithmic derivatives against autograd, their constants against quadrature, densities against scipy."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.integrate import quad
from scipy.stats import gaussian_kde

from inscape.gradients._activations import Activation
from inscape.gradients._log_slopes import density, effective_number, log_slope, relative_slopes, support_constant

FUNCTIONS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softsign": F.softsign,
    "hardtanh": F.hardtanh,
    "hardsigmoid": F.hardsigmoid,
    "relu6": F.relu6,
    "gelu": F.gelu,
    "relu": F.relu,
}
LARGEST = {"sigmoid": 0.25, "hardsigmoid": 1 / 6, "gelu": 1.1289}


def made(name):
    return Activation(name=name, function=FUNCTIONS[name])


def by_autograd(name, z):
    at = z.clone().requires_grad_()
    return torch.autograd.grad(FUNCTIONS[name](at).sum(), at)[0]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_logarithms_are_those_of_the_derivative(name):
    z = torch.linspace(-7.03, 7.01, 400, dtype=torch.float64).reshape(100, 4)
    truth = by_autograd(name, z).abs() / LARGEST.get(name, 1.0)
    assert torch.allclose(log_slope(made(name), z).exp(), truth, atol=1e-4 if name == "gelu" else 1e-9)
    shares = truth / truth.amax(0)
    assert torch.allclose(relative_slopes(made(name), z), shares, atol=1e-9)


@pytest.mark.parametrize(("name", "slope"), [("sigmoid", 1), ("tanh", 2)])
def test_they_go_on_where_the_derivative_is_zero(name, slope):
    z = torch.tensor([[1000.0], [1001.0]], dtype=torch.float64)
    logs = log_slope(made(name), z)
    assert logs[0, 0] == pytest.approx(-1000 * slope + np.log(4))
    assert relative_slopes(made(name), z)[:, 0].tolist() == pytest.approx([1.0, np.exp(-slope)])


@pytest.mark.parametrize(
    ("name", "derivative", "constant"),
    [
        ("sigmoid", lambda z: 0.25 / np.cosh(z / 2) ** 2, 6.0),
        ("tanh", lambda z: 1 / np.cosh(z) ** 2, 3.0),
        ("softsign", lambda z: 1 / (1 + abs(z)) ** 2, 6.0),
        ("hardtanh", lambda z: float(abs(z) <= 1), 2.0),
        ("hardsigmoid", lambda z: (abs(z) <= 3) / 6, 6.0),
        ("relu6", lambda z: float(0 <= z <= 6), 6.0),
    ],
)
def test_constants_are_ratios_of_integrals(name, derivative, constant):
    far = 2e4 if name == "softsign" else 60.0
    breaks = [-60.0, -3.0, -1.0, 0.0, 1.0, 3.0, 6.0]

    def integral(power):
        return quad(lambda z: derivative(z) ** power, -far, far, points=breaks, limit=200)[0]

    assert integral(1) ** 2 / integral(2) == pytest.approx(constant, rel=2e-4)
    assert support_constant(made(name)) == pytest.approx(constant, rel=1e-8)


def test_one_sided_activations_have_no_constant():
    assert np.isnan(support_constant(made("gelu")))
    assert np.isnan(support_constant(made("relu")))


def test_no_derivative_at_all_is_no_sample():
    none = torch.tensor([-torch.inf])
    assert effective_number(none, none).tolist() == [0.0]


def test_density_is_that_of_gaussian_kernels():
    values = np.random.default_rng(0).standard_normal((400, 3)) * [1.0, 2.0, 0.1] + [0.0, 1.0, 0.2]
    for column, found in zip(values.T, density(values, 0.1), strict=True):
        low, high = np.quantile(column, [0.25, 0.75])
        width = 0.9 * min(column.std(), (high - low) / 1.349) * 400**-0.2
        kernels = gaussian_kde(column, bw_method=width / column.std(ddof=1))
        assert found == pytest.approx(kernels(0.1)[0], rel=1e-9)


def test_constant_columns_have_no_density():
    assert np.isnan(density(np.full((50, 1), 0.3), 1.0)).all()
