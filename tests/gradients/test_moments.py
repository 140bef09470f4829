"""Running moments against numpy on all values at once."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from inscape.gradients._moments import Moments


@given(sizes=st.lists(st.integers(0, 7), min_size=1, max_size=6), seed=st.integers(0, 99), shift=st.floats(-1e6, 1e6))
def test_batches_of_any_size_give_the_moments_of_all(sizes, seed, shift):
    values = np.random.default_rng(seed).standard_normal((sum(sizes), 3)) + shift
    found = Moments()
    for part in np.split(values, np.cumsum(sizes)[:-1]):
        found.add(torch.from_numpy(part))
    assert found.count == len(values)
    if len(values):
        np.testing.assert_allclose(found.mean, values.mean(0), rtol=1e-12, atol=1e-9)
        np.testing.assert_allclose(found.deviation, values.std(0), rtol=1e-7, atol=1e-9)
        assert torch.equal(found.least, torch.from_numpy(values.min(0)))
        assert torch.equal(found.largest, torch.from_numpy(values.max(0)))


def test_equal_values_have_no_deviation_at_all():
    found = Moments()
    for _ in range(3):
        found.add(torch.full((7, 2), 0.1))
    assert found.constant.all()
    assert (found.deviation == 0).all()
