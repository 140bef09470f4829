"""The bounded sample: all rows while few, later each row with the same chance."""

import numpy as np
import torch

from inscape.gradients._reservoir import Reservoir


def filled(sizes, most, seed):
    found = Reservoir(most, np.random.default_rng(seed))
    start = 0
    for size in sizes:
        found.add(torch.arange(start, start + size).reshape(-1, 1))
        start += size
    return found


def test_few_rows_are_all_kept_in_order():
    found = filled([3, 4], 7, 0)
    assert found.rows[:, 0].tolist() == list(range(7))
    assert found.seen == 7


def test_the_batches_do_not_matter():
    assert torch.equal(filled([50], 8, 1).rows, filled([1, 9, 20, 0, 20], 8, 1).rows)


def test_every_row_has_the_same_chance():
    counts = np.zeros(20)
    for seed in range(600):
        rows = filled([7, 13], 5, seed).rows[:, 0].long().numpy()
        assert len(set(rows.tolist())) == 5
        counts[rows] += 1
    expected = 600 * 5 / 20
    assert (np.square(counts - expected) / expected).sum() < 43.8  # χ² with 19 degrees of freedom, 99.9 %
