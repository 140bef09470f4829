"""Waterfalls: running totals by a slow sum, blocked and unknown steps, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inscape import InscapeError
from inscape._errors import InputError, InputTypeError
from inscape.plotting import Waterfall

STEPS = {"names": ["a", "b", "c"], "values": [1.0, -2.0, np.nan], "kinds": ["x", "y", "x"], "totals": [0, 0, 1]}
NAN, INF = np.nan, np.inf

BAD = [
    ({"names": [], "values": [], "kinds": [], "totals": []}, "at least one bar in Waterfall.names, got none"),
    ({"kinds": ["x", "y"]}, "Waterfall.kinds to be 3 long, got 2"),
    ({"values": [1.0, 2.0]}, r"Waterfall.values of shape \(3,\), got \(2,\)"),
    ({"values": [[1.0, 2.0, 3.0]]}, r"Waterfall.values of shape \(3,\), got \(1, 3\)"),
    ({"values": "abc"}, "Waterfall.values to be an array of numbers, got str"),
    ({"values": [1.0, INF, 0.0]}, r"NaN \(unknown\) or -inf \(blocked\), got infinity"),
    ({"totals": [True]}, r"Waterfall.totals of shape \(3,\), got \(1,\)"),
    ({"totals": [0, 0, 2]}, "true or false for each bar, got other numbers"),
    ({"totals": ["no", "no", "yes"]}, "Waterfall.totals to be an array of numbers"),
    ({"hover": {"units": [1, 2]}}, r"Waterfall.hover\['units'\] of shape \(3,\), got \(2,\)"),
    ({"reference": [0.0]}, r"Waterfall.reference of shape \(3,\), got \(1,\)"),
    ({"reference": [0.0, -INF, 0.0]}, r"reference to be finite or NaN \(none\), got infinity"),
    ({"highlight": [3]}, "positions from 0 to 2, got 3"),
    ({"highlight": [-1]}, "positions from 0 to 2, got -1"),
]


@pytest.mark.parametrize(("fields", "message"), BAD)
def test_what_cannot_be_drawn_is_refused_by_name(fields, message):
    with pytest.raises(InscapeError, match=message) as caught:
        Waterfall(**STEPS | fields)
    assert isinstance(caught.value, InputError | InputTypeError)


def test_a_start_two_steps_and_the_total():
    info = Waterfall(
        names=["loss", "b", "c", "end"], values=[2.0, -3.0, 0.5, NAN], kinds=["r", "g", "g", "t"], totals=[0, 0, 0, 1]
    )
    assert info.ends.tolist() == [2.0, -1.0, -0.5, -0.5]
    assert info.starts.tolist() == [0.0, 2.0, -1.0, 0.0]
    assert info.running.tolist() == [[0, 2], [-1, 2], [-1, -0.5], [-0.5, 0]]
    assert info.categories == ("r", "g", "t")


@given(st.lists(st.tuples(st.integers(-50, 50), st.booleans()), min_size=1, max_size=12))
def test_running_totals_are_those_of_a_slow_sum(rows):
    values, totals = [float(value) for value, _ in rows], [total for _, total in rows]
    info = Waterfall(names=["n"] * len(rows), values=values, kinds=["k"] * len(rows), totals=totals)
    sums, at = [], 0.0
    for row, (value, total) in enumerate(zip(values, totals, strict=True)):
        start = 0.0 if total or row == 0 else at
        at = at if total and row else at + value
        sums.append((start, at))
    assert info.starts.tolist() == [start for start, _ in sums]
    assert info.ends.tolist() == [end for _, end in sums]
    assert info.running.tolist() == [sorted(pair) for pair in sums]


def test_the_value_of_a_total_is_ignored_but_for_the_first_bar():
    info = Waterfall(**STEPS | {"totals": [1, 0, 1], "values": [4.0, 1.0, INF]})
    assert info.ends.tolist() == [4.0, 5.0, 5.0]
    np.testing.assert_array_equal(info.totals, [True, False, True])


def test_nothing_has_a_place_below_a_blocked_step_but_the_totals():
    info = Waterfall(
        names=list("abcdef"),
        values=[1.0, -INF, NAN, 2.0, -INF, NAN],
        kinds=["k"] * 6,
        totals=[0, 0, 0, 0, 0, 1],
        reference=[0.0, -0.5, 0.0, 0.0, 0.0, 3.0],
    )
    assert info.ends.tolist() == [1.0] + [-INF] * 5
    expected = [[0, 1], [-INF, 1], [NAN, NAN], [NAN, NAN], [NAN, NAN], [-INF, 0]]
    np.testing.assert_array_equal(info.running, expected)
    np.testing.assert_array_equal(info.normal, [0.0, 0.5, NAN, NAN, NAN, 3.0])


def test_an_unknown_step_leaves_all_below_unknown_until_one_blocks():
    info = Waterfall(names=list("abcd"), values=[1.0, NAN, 2.0, -INF], kinds=["k"] * 4, reference=[1.0, 1.0, 1.0, 1.0])
    np.testing.assert_array_equal(info.ends, [1.0, NAN, NAN, -INF])
    np.testing.assert_array_equal(info.running, [[0, 1], [NAN, NAN], [NAN, NAN], [NAN, NAN]])
    np.testing.assert_array_equal(info.normal, [1.0, 2.0, NAN, NAN])


def test_references_are_changes_of_steps_and_levels_of_totals():
    info = Waterfall(**STEPS | {"reference": [0.5, 0.25, NAN]})
    np.testing.assert_array_equal(info.normal, [0.5, 1.25, NAN])
    assert np.isnan(Waterfall(**STEPS).normal).all()


def test_lists_become_arrays_and_a_copy_is_the_same():
    info = Waterfall(**STEPS | {"highlight": [2, 0, 2], "reference": [0, 1, 2], "hover": {"u": [1, 2, 3]}})
    assert info.highlight == (0, 2)
    assert (info.values.dtype, info.totals.dtype, info.reference.dtype) == (np.float64, np.bool_, np.float64)
    again = replace(info, title="more")
    np.testing.assert_array_equal(again.totals, info.totals)
    assert not Waterfall(names=["a"], values=[1], kinds=["k"]).totals.any()
