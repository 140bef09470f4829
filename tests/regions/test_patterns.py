"""Hashes of activation patterns against the patterns themselves."""

import numpy as np
import pytest
from torch import nn

from inscape.regions import Box, partition
from inscape.regions import _patterns as place
from inscape.regions._patterns import missing, pattern_keys
from inscape.testing import random_net


@pytest.mark.parametrize(
    "model",
    [random_net([2, 12, 10, 2], rng=0), random_net([2, 3, 1], rng=0), nn.Linear(2, 1)],
    ids=["deep", "flat", "none"],
)
def test_as_many_keys_as_patterns_also_in_chunks(model, monkeypatch):
    cells = partition(model, Box(low=(-1, -1), high=(1, 1)))
    rows = np.unique(cells.patterns(), axis=0)
    keys, width = pattern_keys(cells)
    assert (len(keys), width) == rows.shape
    monkeypatch.setattr(place, "_NUMBERS", 50)
    np.testing.assert_array_equal(pattern_keys(cells)[0], keys)


def test_missing_is_a_difference_of_sets():
    rng = np.random.default_rng(0)
    a, b = (np.unique(rng.integers(0, 50, 30).astype(np.uint64)) for _ in range(2))
    assert missing(a, b) == len(set(a.tolist()) - set(b.tolist())) > 0
    assert missing(a, a) == 0
