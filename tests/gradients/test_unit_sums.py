"""Streamed sums against the whole data in double precision."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from inscape._errors import InputError
from inscape.gradients._activations import Activation
from inscape.gradients._unit_sums import Rules, UnitSums, batch_sums, read

ACTIVATIONS = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "gelu": F.gelu,
    "leaky_relu": F.leaky_relu,
    "softplus": F.softplus,
}


def whole(function, z, delta):
    """κ, occupancy and effective samples by autograd over all values at once."""
    z = z.double().clone().requires_grad_()
    (slope,) = torch.autograd.grad(function(z).sum(), z)
    slope = slope.abs()
    return z.detach().std(0, correction=0), slope, slope.sum(0) ** 2 / slope.square().sum(0)


def streamed(name, parts, axis=1, delta=0.5):
    activation, rules = Activation(name=name, function=ACTIVATIONS[name]), Rules(delta=delta)
    rule = rules.of(activation)
    units = UnitSums(halfwidth=rule.halfwidth, axis=axis)
    for z in parts:
        units.add(batch_sums(z, ACTIVATIONS[name](z), activation, axis, level=delta * rule.largest))
    return read(units), rule


@pytest.mark.interpreted
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_batches_give_what_the_whole_gives(name, dtype):
    source = torch.Generator().manual_seed(0)
    z = (3 * torch.randn(700, 9, generator=source, dtype=torch.float64) + torch.arange(9) * 2 - 8).to(dtype)
    seen, rule = streamed(name, z.split(7))
    spread, slope, effective = whole(ACTIVATIONS[name], z, 0.5)
    precise = 1e-5 if dtype is torch.float32 else 1e-11
    np.testing.assert_allclose(seen.mean, z.double().mean(0), rtol=precise, atol=precise)
    np.testing.assert_allclose(seen.spread, spread, rtol=precise)
    np.testing.assert_allclose(seen.effective, effective, rtol=precise)
    np.testing.assert_allclose(seen.occupancy, (slope >= 0.5 * rule.largest).double().mean(0), atol=0.003)
    if rule.halfwidth:
        np.testing.assert_allclose(seen.kappa, spread / rule.halfwidth, rtol=precise)
    else:
        assert np.isnan(seen.kappa).all()


def test_nothing_cancels_far_from_zero():
    z = 1e4 + torch.randn(512, 3, generator=torch.Generator().manual_seed(1))
    seen, _ = streamed("tanh", z.split(64))
    np.testing.assert_allclose(seen.spread, z.double().std(0, correction=0), rtol=1e-4)


@pytest.mark.parametrize(("shape", "axis"), [((6, 3, 4, 5), 1), ((6, 4, 3), 2), ((6, 3, 5), 1), ((3,), 0)])
def test_units_lie_along_their_axis(shape, axis):
    z = torch.randn(shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    seen, _ = streamed("relu", [z], axis=axis)
    flat = z.movedim(axis, -1).reshape(-1, 3)
    np.testing.assert_allclose(seen.spread, flat.std(0, correction=0))
    np.testing.assert_array_equal(seen.effective, (flat > 0).sum(0))
    np.testing.assert_array_equal(seen.occupancy, (flat > 0).double().mean(0))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=90), st.integers(0, 99))
def test_the_cut_into_batches_does_not_matter(sizes, seed):
    z = torch.randn(sum(sizes), 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    pieces, _ = streamed("sigmoid", z.split(sizes))
    once, _ = streamed("sigmoid", [z])
    for name in ("mean", "spread", "kappa", "occupancy", "effective"):
        np.testing.assert_allclose(getattr(pieces, name), getattr(once, name), rtol=1e-9, atol=1e-12)


def test_state_goes_on_where_it_was_taken():
    z = torch.randn(40, 4, generator=torch.Generator().manual_seed(3))
    activation = Activation(name="tanh", function=torch.tanh)

    def add(units, values):
        units.add(batch_sums(values, torch.tanh(values), activation, 1, level=0.5))

    straight, before = UnitSums(halfwidth=1.0, axis=1), UnitSums(halfwidth=1.0, axis=1)
    for units in (straight, before):
        add(units, z[:20])
    after = UnitSums.from_state(before.state())
    for units in (straight, after):
        add(units, z[20:])
    np.testing.assert_allclose(read(after).spread, read(straight).spread, rtol=1e-12)
    np.testing.assert_array_equal(read(after).effective, read(straight).effective)


def test_a_dead_unit_has_no_effective_sample():
    seen, _ = streamed("relu", [torch.full((5, 2), -1.0)])
    np.testing.assert_array_equal(seen.effective, 0)


def test_half_precision_is_summed_in_single():
    z = torch.randn(64, 3, generator=torch.Generator().manual_seed(4)).bfloat16()
    seen, _ = streamed("tanh", [z])
    np.testing.assert_allclose(seen.spread, z.double().std(0, correction=0), rtol=1e-5)


def test_prelu_is_measured_by_its_weights_of_the_moment():
    weight = torch.tensor([3.0], requires_grad=True)
    from inscape.gradients._tape import _activation

    rule = Rules(delta=0.5).of(_activation("prelu", (weight,), {}))
    assert (rule.largest, rule.halfwidth) == (3.0, 0.0)


@pytest.mark.parametrize("delta", [0.0, 1.5])
def test_delta_is_a_share(delta):
    with pytest.raises(InputError, match="0 < delta ≤ 1"):
        Rules(delta=delta)
