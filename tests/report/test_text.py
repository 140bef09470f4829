"""Numbers for readers and for JSON."""

import json
import math
from enum import Enum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inscape.report._text import is_number, number, plain, power_of_ten


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-1234, "−1,234"),
        (1234567, "1,234,567"),
        (np.int64(12), "12"),
        (10**15, "≈ 1.0 × 10¹⁵"),
        (-(10**18), "≈ −1.0 × 10¹⁸"),
        (2**5000, "≈ 1.4 × 10¹⁵⁰⁵"),
        (0.5, "0.5"),
        (-0.25, "−0.25"),
        (0.0, "0"),
        (12345.6, "12,346"),
        (3.2e-7, "3.2 × 10⁻⁷"),
        (-3.2e-7, "−3.2 × 10⁻⁷"),
        (9.99e20, "1.0 × 10²¹"),
        (float("nan"), "–"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
        (None, "–"),
        (True, "yes"),
        (np.bool_(False), "no"),
        ("10^3 <b>", "10^3 <b>"),
    ],
)
def test_number(value, text):
    assert number(value) == text


def test_a_number_longer_than_python_prints():
    assert number(2**400000) == "≈ 1.0 × 10¹²⁰⁴¹²"  # 400000 · log10 2 = 120411.998


@given(st.integers(min_value=10**15, max_value=10**4000))
def test_huge_integers_keep_their_size(value):
    text = number(value).removeprefix("≈ ")
    mantissa, exponent = text.split(" × 10")
    digits = int(exponent.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")))
    length = len(str(value))
    assert math.isclose(float(mantissa) * 10.0 ** (digits - length), int(str(value)[:15]) / 10**15, rel_tol=0.06)


def test_power_of_ten_rounds_up_to_the_next_power():
    assert power_of_ten(2.9999) == "1.0 × 10³"


@pytest.mark.parametrize(
    ("value", "expected"), [(1, True), (1.5, True), (np.float32(1), True), (True, False), ("1", False)]
)
def test_is_number(value, expected):
    assert is_number(value) is expected


def test_plain_is_strict_json():
    value = {
        "array": np.array([[1.0, np.nan], [np.inf, 2.0]]),
        3: (np.int64(4), np.float32(0.5), Colour.RED),
        "huge": 10**400,
        "small": -(10**20),
        "set": {7},
        "path": pytest,
        "flag": True,
        "none": None,
    }
    found = plain(value)
    again = json.loads(json.dumps(found, allow_nan=False))
    assert again == found
    assert found["array"] == [[1.0, None], [None, 2.0]]
    assert found["3"] == [4, 0.5, "red"]
    assert found["huge"] == {"log10": 400.0, "sign": 1}
    assert found["small"] == {"log10": 20.0, "sign": -1}
    assert found["flag"] is True
