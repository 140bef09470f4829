"""The balanced scale and Kish's number against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inscape._errors import InputError
from inscape.gradients import balanced_scale, effective_samples

WEIGHTS = arrays(np.float64, st.tuples(st.integers(1, 20), st.just(2)), elements=st.floats(0, 1e6))


@given(spread=st.floats(1e-6, 1e6), halfwidth=st.floats(1e-6, 1e6))
def test_two_deviations_reach_the_border(spread, halfwidth):
    scale = float(balanced_scale(spread, halfwidth))
    assert 2 * scale * spread == pytest.approx(halfwidth, rel=1e-12)


def test_a_constant_unit_has_no_scale():
    assert np.isnan(balanced_scale(np.array([0.0, 1.0]), 1.0)).tolist() == [True, False]


@pytest.mark.parametrize(("spread", "halfwidth", "said"), [(1.0, 0.0, "half-width > 0"), (-1.0, 1.0, "spreads ≥ 0")])
def test_impossible_scales_are_refused(spread, halfwidth, said):
    with pytest.raises(InputError, match=said):
        balanced_scale(spread, halfwidth)


@given(weights=WEIGHTS, factor=st.floats(1e-3, 1e3))
def test_kish_lies_between_one_and_all_and_knows_no_scale(weights, factor):
    found = effective_samples(weights)
    some = (weights > 0).any(0)
    assert (found[some] >= 1 - 1e-9).all()
    assert (found <= len(weights) + 1e-9).all()
    assert (found[~some] == 0).all()
    np.testing.assert_allclose(effective_samples(weights * factor), found, rtol=1e-6)


def test_kish_of_two_weights():
    assert effective_samples(np.array([3.0, 1.0])) == pytest.approx(16 / 10)


def test_negative_weights_are_refused():
    with pytest.raises(InputError, match="weights ≥ 0"):
        effective_samples(np.array([1.0, -1.0]))
