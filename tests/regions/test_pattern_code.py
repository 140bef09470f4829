"""Packed patterns come back as they were, and equal bytes mean equal patterns."""

import numpy as np
import pytest
from torch import nn

from inscape.geometry import local_plan, patterns_at
from inscape.network import read
from inscape.regions._pattern_code import PatternCode

MODEL = nn.Sequential(
    nn.Linear(3, 12),
    nn.ReLU6(),
    nn.Unflatten(1, (1, 12)),
    nn.MaxPool1d(4),
    nn.Flatten(),
    nn.Linear(3, 5),
    nn.ReLU(),
    nn.Linear(5, 1),
)


def test_round_trip():
    plan = local_plan(read(MODEL, np.zeros((1, 3), np.float32)).frozen())
    code = PatternCode.of(plan)
    patterns = patterns_at(plan, np.random.default_rng(0).normal(scale=9, size=(40, 3)))
    packed = code.pack(patterns)
    assert packed.shape == (40, 3 + 3 + 1)  # 24 bits, 3 leaders, 5 bits
    for before, after in zip(patterns, code.unpack(packed), strict=True):
        assert before.dtype == after.dtype
        assert np.array_equal(before, after)
    whole = np.concatenate([part.astype(np.int64) for part in patterns], axis=1)
    assert len(np.unique(packed, axis=0)) == len(np.unique(whole, axis=0))


@pytest.mark.parametrize(("size", "most"), [(1, 255), (2, 65535)])
def test_leaders_of_large_groups(size, most):
    code = PatternCode(widths=np.array([2, 9]), sizes=np.array([size, 0]), modules=("pool", "relu"))
    leaders, signs = np.array([[0, most], [7, 1]]), np.arange(18).reshape(2, 9) % 3 == 0
    again = code.unpack(code.pack((leaders, signs)))
    assert np.array_equal(again[0], leaders)
    assert np.array_equal(again[1], signs)


def test_no_steps():
    code = PatternCode(widths=np.zeros(0, np.int64), sizes=np.zeros(0, np.int64), modules=())
    assert code.pack((), 3).shape == (3, 0)
    assert code.unpack(np.zeros((3, 0), np.uint8)) == ()
