"""The mean of gradients in short and long sums."""

import pytest
import torch

from inscape.gradients._mean_gradient import MeanGradient


@pytest.mark.parametrize("batches", [1, 15, 16, 17, 40])
def test_mean_is_that_of_all_batches(batches):
    gradients = torch.randn(batches, 3, 2, dtype=torch.float64)
    mean = MeanGradient(torch.zeros(3, 2, dtype=torch.float64, requires_grad=True))
    for i, gradient in enumerate(gradients):
        if i % 2:
            mean.add(gradient, 2)
        else:
            mean.part().add_(gradient, alpha=2)
    expected = float((2 * gradients.sum(0)).norm()) / (2 * batches)
    assert mean.norm(2 * batches) == pytest.approx(expected, rel=1e-12)
    assert mean.norm(2 * batches) == pytest.approx(expected, rel=1e-12)  # asking changes nothing


def test_sparse_gradients_and_none():
    mean = MeanGradient(torch.zeros(4, 2))
    assert mean.norm(3) == 0.0
    mean.add(torch.sparse_coo_tensor([[1]], [[3.0, 4.0]], (4, 2), check_invariants=True), 2)
    assert mean.norm(5) == pytest.approx(2.0)


def test_long_sums_are_in_double_precision():
    mean = MeanGradient(torch.zeros(1))
    mean.add(torch.tensor([2.0**24]), 1)
    for _ in range(160):
        mean.add(torch.tensor([1.0]), 1)
    assert mean.norm(1) == pytest.approx(2.0**24 + 160, abs=20)
