"""A shelf gives back what was put on it."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from inscape.gradients._shelf import Shelf


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=12), st.integers(0, 99))
def test_all_numbers_come_back_in_order(sizes, seed):
    source = torch.Generator().manual_seed(seed)
    shelf, taken, rows = Shelf(), [], [torch.rand(size, generator=source) for size in sizes]
    for i, row in enumerate(rows):
        if not shelf.fits(len(row)):
            taken.append(shelf.take())
        shelf.put(row, i)
    taken.append(shelf.take())
    assert len(shelf) == 0
    values, counts, samples = (np.concatenate(column) for column in zip(*taken, strict=True))
    np.testing.assert_array_equal(values, torch.cat(rows).double())
    np.testing.assert_array_equal(counts, sizes)
    np.testing.assert_array_equal(samples, np.arange(len(sizes)))


def test_factors_are_multiplied_in_double_precision():
    shelf = Shelf()
    shelf.put(torch.tensor([1e-30]), 1, times=torch.tensor([1e-30]))
    np.testing.assert_allclose(shelf.take()[0], [1e-60], rtol=1e-5)


def test_an_empty_shelf_takes_more_than_its_room():
    shelf = Shelf()
    assert shelf.fits(100_000)
    shelf.put(torch.ones(100_000), 1)
    assert shelf.fits(31 * 100_000)
    assert not shelf.fits(31 * 100_000 + 1)
    assert shelf.take()[0].sum() == 100_000
