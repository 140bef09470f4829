"""Sums of a layer's gradients against the same taken all at once."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from inscape.gradients import _layer_sums, _shelf
from inscape.gradients._layer_sums import LayerSums

LEVELS = (0.1, 0.5, 0.9)


def rows(sizes, seed=0):
    source = torch.Generator().manual_seed(seed)
    return [torch.rand(size, generator=source, dtype=torch.float64) for size in sizes]


@given(st.lists(st.integers(1, 20), min_size=1, max_size=12))
def test_means_and_quantiles_of_single_samples(sizes):
    sums, parts = LayerSums(), rows(sizes)
    for i, part in enumerate(parts):
        sums.add_singles((part.sqrt(), part.sqrt()))
        if i % 3 == 0:
            sums.fold()
    whole = np.concatenate([part.numpy() * len(part) for part in parts])
    found = sums.row(LEVELS)
    np.testing.assert_allclose(found["norm"], whole.mean())
    np.testing.assert_allclose(found["norm_quantiles"], np.quantile(whole, LEVELS))


def test_of_many_samples_every_so_many_are_kept(monkeypatch):
    monkeypatch.setattr(_layer_sums, "_KEPT", 16)
    sums, parts = LayerSums(), rows([7] * 20)
    for part in parts:
        sums.add_singles((part,))
    sums.fold()
    whole = np.concatenate([part.numpy() * 7 for part in parts])
    assert sums.stride == 16
    np.testing.assert_array_equal(sums.kept, whole[::16])
    np.testing.assert_allclose(sums.row(LEVELS)["norm"], whole.mean())


def test_gradients_and_deltas():
    sums = LayerSums()
    for norm, delta, count in ((3.0, [0.1, 0.2], 2), (4.0, [0.5], 6)):
        sums.add_gradient(torch.tensor(norm), count)
        sums.add_delta(torch.tensor(delta, dtype=torch.float64), count)
    sums.add_singles((torch.full((8,), 1.0),))
    found = sums.row(LEVELS)
    np.testing.assert_allclose(found["gradient"], np.log(np.sqrt(12.5)))
    np.testing.assert_allclose(found["delta"], 0.5 * np.log((4 * 0.05 + 36 * 0.25) / 8))
    np.testing.assert_allclose(found["coherence"], (2 * 3 + 6 * 4) / 8 / 8)


def test_many_passes_are_folded(monkeypatch):
    monkeypatch.setattr(_shelf, "_ROOM", 4)
    monkeypatch.setattr(_shelf, "_TIMES", 1)
    sums = LayerSums()
    for _ in range(9):
        sums.add_gradient(torch.tensor(2.0), 1)
        sums.add_delta(torch.ones(3), 3)
    assert sums.passes == 9
    assert sums.delta_samples == 24
    np.testing.assert_allclose(sums.row(LEVELS)["gradient"], np.log(2))


def test_nothing_is_nan():
    found = LayerSums().row(LEVELS)
    assert all(np.isnan(value).all() for value in found.values())


def test_state_goes_on_where_it_was_taken():
    sums, (first, second) = LayerSums(), rows([5, 6])
    sums.add_singles((first,))
    after = LayerSums.from_state(sums.state())
    for each in (sums, after):
        each.add_singles((second,))
    assert str(after.row(LEVELS)) == str(sums.row(LEVELS))
