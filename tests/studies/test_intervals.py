"""Means, intervals and exponents against closed forms."""

from math import exp, isnan, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from inscape.studies._intervals import around, difference, mean, power


def test_interval_is_student_s():
    """t(0.975; 4) = 2.776445 from any table."""
    found = mean([1.0, 2.0, 3.0, 4.0, 5.0])
    assert found.value == 3
    assert found.half == pytest.approx(2.776445 * sqrt(2.5) / sqrt(5), rel=1e-6)
    assert found.count == 5


def test_interval_covers_as_it_says():
    """Of 2000 intervals over five normal values, 95 % hold the true mean; four standard deviations."""
    values = np.random.default_rng(0).normal(1.0, 3.0, (2000, 5))
    found = [mean(row.tolist()) for row in values]
    share = np.mean([abs(m.value - 1.0) <= m.half for m in found])
    assert abs(share - 0.95) < 4 * sqrt(0.95 * 0.05 / 2000)


@pytest.mark.parametrize("seed", range(3))
def test_difference_is_welch_s(seed):
    source = np.random.default_rng(seed)
    first, second = source.normal(1, 1, 5).tolist(), source.normal(0, 4, 7).tolist()
    found = difference(first, second)
    low, high = ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    assert (found.value - found.half, found.value + found.half) == pytest.approx((low, high))
    assert found.count == 12


def test_difference_of_few_or_equal_values():
    assert isnan(difference([], [1.0, 2.0]).value)
    assert isnan(difference([3.0], [1.0, 2.0]).half)
    assert difference([3.0], [1.0, 2.0]).value == 1.5
    assert difference([3.0, 3.0], [1.0, 1.0]).half == 0


def test_few_values_have_no_interval():
    assert isnan(mean([]).value)
    assert isnan(mean([2.0]).half)
    assert str(mean([2.0])) == "2"
    assert str(mean([3.0, 3.0])) == "3"


@pytest.mark.parametrize(
    ("values", "text"),
    [([1.0, 2.0, 3.0], "2.0 ± 2.5"), ([0.911, 0.915], "0.913 ± 0.025"), ([20000.0, 23000.0], "21,500 ± 19,059")],
)
def test_numbers_are_written_as_far_as_they_are_known(values, text):
    assert str(mean(values)) == text


def test_geometric_mean_lies_within_its_ends():
    found = around([1.0, 10.0, 100.0], geometric=True)
    plain = mean([0.0, log(10.0), log(100.0)])
    assert found.value == pytest.approx(10)
    assert (found.low, found.high) == (
        pytest.approx(exp(plain.value - plain.half)),
        pytest.approx(exp(plain.value + plain.half)),
    )
    alone = around([7.0])
    assert (alone.low, alone.value, alone.high) == (7, 7, 7)


@given(st.floats(-3, 3), st.floats(0.1, 10))
def test_a_planted_power_is_found(exponent, factor):
    x = [1.0, 2.0, 5.0, 8.0]
    found = power(x, [factor * value**exponent for value in x])
    assert found.value == pytest.approx(exponent, abs=1e-9)
    assert found.half < 1e-6


def test_one_width_has_no_exponent():
    assert isnan(power([4.0, 4.0], [1.0, 2.0]).value)
