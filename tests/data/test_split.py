"""Stratified splits."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inscape import data
from inscape._errors import DataError


@given(
    labels=st.lists(st.integers(0, 4), min_size=2, max_size=60),
    share=st.floats(0.05, 0.95),
    seed=st.integers(0, 99),
)
def test_split_is_a_partition_with_each_class_share(labels, share, seed):
    y = torch.tensor(labels)
    x = torch.arange(len(y)).float()[:, None]
    counts = y.bincount()
    expected = torch.tensor([min(round(share * int(c)), max(int(c) - 1, 0)) for c in counts])
    if not expected.any():
        with pytest.raises(DataError, match="test part empty"):
            data.split(x, y, test=share, rng=seed)
        return
    (a, b), (c, d) = data.split(x, y, test=share, rng=seed)
    assert sorted(torch.cat([a, c])[:, 0].int().tolist()) == list(range(len(y)))
    assert torch.equal(y[a[:, 0].long()], b)
    assert torch.equal(y[c[:, 0].long()], d)
    assert torch.equal(d.bincount(minlength=len(counts)), expected)


def test_seed_decides():
    x, y = data.load("moons", n=100)
    first, same, other = (data.split(x, y, rng=seed)[1][0] for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    advanced = data.split(x, y, rng=np.random.default_rng(0))[1][0]
    assert torch.equal(advanced, first)


def test_targets_are_split_plainly():
    (a, _), (c, _) = data.split(torch.zeros(10, 1), torch.linspace(0, 1, 10), test=0.3)
    assert (len(a), len(c)) == (7, 3)


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, float("nan")])
def test_impossible_shares(share):
    with pytest.raises(DataError, match="0 < test < 1"):
        data.split(torch.zeros(4, 1), torch.arange(4), test=share)


def test_unequal_lengths():
    with pytest.raises(DataError, match="must be pairs"):
        data.split(torch.zeros(4, 1), torch.arange(3))
