"""Packed leaders come back as they were, whatever the size of the groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inscape.geometry._codes import code_width, packed_codes, unpacked_codes


@given(st.integers(1, 40), st.integers(0, 30), st.integers(0, 12), st.integers(0, 10**6))
def test_there_and_back(members, columns, rows, seed):
    codes = np.random.default_rng(seed).integers(0, members, size=(rows, columns))
    packed = packed_codes(codes, members)
    assert packed.nbytes <= rows * (-(-columns * code_width(members) // 8))
    assert np.array_equal(unpacked_codes(packed, columns, members), codes)


@pytest.mark.parametrize(("members", "expected"), [(4, [[0b11_10_01_00, 0b01]]), (2, None), (17, [[0, 1, 2, 3, 1]])])
def test_the_first_position_is_lowest(members, expected):
    codes = np.array([[0, 1, 2, 3, 1]]) if expected else np.array([[1, 0, 0, 0, 0, 0, 0, 1, 1]])
    assert packed_codes(codes, members).tolist() == (expected or [[0b1000_0001, 1]])


def test_groups_of_more_than_a_byte():
    codes = np.array([[0, 299, 256]])
    packed = packed_codes(codes, 300)
    assert packed.dtype == np.uint16
    assert np.array_equal(unpacked_codes(packed, 3, 300), codes)


def test_positions_that_were_never_packed_pass():
    codes = np.array([[3, 0, 2], [1, 1, 1]], np.uint8)
    assert np.array_equal(unpacked_codes(codes, 3, 4), codes)
