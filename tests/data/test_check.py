"""What data no verb can use."""

import numpy as np
import pytest
import torch

from inscape import data
from inscape._errors import DataError

X = torch.zeros(4, 2)
Y = torch.tensor([0, 1, 2, 1])


def test_good_data_give_the_number_of_classes():
    assert data.check(X, Y) == 3
    assert data.check(X.numpy(), Y.numpy()) == 3
    assert data.check(X, Y.float(), classification=True) == 3
    assert data.check(X, torch.rand(4)) == 0
    assert data.check(X, torch.zeros(4, dtype=torch.long), classification=False) == 0


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (torch.zeros(0, 2), torch.zeros(0, dtype=torch.long), "empty"),
        (torch.tensor(1.0), torch.tensor(1), "empty"),
        (X, Y[:3], "4 samples and y has 3"),
        (torch.tensor([[0.0], [float("nan")], [float("inf")], [1.0]]), Y, "2 of 4 samples, first in sample 1"),
        (X, torch.tensor([0.0, float("inf"), 1, 1]), "y has NaN"),
        (X, torch.ones(4, dtype=torch.long), "all 4 samples are of class 1"),
        (X, Y - 1, "got -1"),
        ([[1]], Y, "got list"),
        (np.array(["a"]), Y, "got ndarray"),
    ],
)
def test_bad_data_are_named(x, y, words):
    with pytest.raises(DataError, match=words):
        data.check(x, y)


def test_fractions_are_no_labels():
    with pytest.raises(DataError, match="fractions"):
        data.check(X, torch.rand(4), classification=True)
