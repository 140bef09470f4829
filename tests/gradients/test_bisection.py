"""Bisection on planted functions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inscape.gradients._bisection import search

GRID = [float(p) for p in range(-6, 1)]


@given(st.floats(-5.99, -0.01), st.integers(0, 12))
def test_a_planted_step_is_found_to_the_width_of_the_last_gap(step, halvings):
    asked = []

    def shares(places):
        asked.extend(places)
        return [0.0 if place >= step else 1.0 for place in places]

    seen = search(shares, GRID, allowed=0.05, halvings=halvings)
    assert step <= seen.found <= step + 2.0**-halvings
    assert len(asked) == len(set(asked)) <= len(GRID) + halvings
    assert list(seen.places) == sorted(asked)
    assert seen.monotone


@given(st.floats(0.06, 0.99))
def test_a_planted_slope_is_crossed_at_its_root(allowed):
    seen = search(lambda places: [-place / 6 for place in places], GRID, allowed=allowed, halvings=20)
    assert seen.found == pytest.approx(-6 * allowed, abs=1e-5)


def test_never_and_always():
    never = search(lambda places: [1.0] * len(places), GRID, allowed=0.05, halvings=4)
    always = search(lambda places: [0.0] * len(places), GRID, allowed=0.05, halvings=4)
    assert (never.found, always.found) == (None, -6.0)
    assert len(never.places) == len(always.places) == len(GRID)


def test_a_curve_that_rises_is_told_and_its_first_crossing_taken():
    values = dict(zip(GRID, [1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0], strict=True))
    seen = search(lambda places: [values.get(place, 1.0) for place in places], GRID, allowed=0.05, halvings=3)
    assert not seen.monotone
    assert seen.found == -4.0


def test_unknown_shares_keep_no_limit():
    seen = search(lambda places: [float("nan")] * len(places), GRID, allowed=0.05, halvings=4)
    assert seen.found is None
