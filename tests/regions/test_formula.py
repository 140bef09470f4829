"""Formulas over half-spaces against Boolean algebra."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from inscape.regions._formula import combine, complement, depth, height, parts_of, renumber, widest

FORMULAS = st.recursive(
    st.integers(0, 4),
    lambda inner: st.tuples(st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=4)).map(
        lambda pair: combine(*pair)
    ),
    max_leaves=12,
)
POINTS = np.random.default_rng(0).standard_normal((64, 5))


def truth(formula, row):
    if isinstance(formula, int):
        return bool(row[formula] > 0)
    return (all if formula[0] == "all" else any)(truth(part, row) for part in formula[1:])


@given(FORMULAS)
def test_sign_of_the_depth_is_the_truth(formula):
    assert (depth(formula, POINTS) > 0).tolist() == [truth(formula, row) for row in POINTS]


@given(FORMULAS)
def test_complement_is_not(formula):
    assert [truth(complement(formula), -row) for row in POINTS] == [not truth(formula, row) for row in POINTS]
    assert complement(complement(formula)) == formula


@given(st.sampled_from(["all", "any"]), st.lists(FORMULAS, min_size=1, max_size=4))
def test_gates_of_one_kind_melt(gate, parts):
    made = combine(gate, parts)
    kind, inner = parts_of(made)
    if not isinstance(made, int):
        assert all(isinstance(part, int) or part[0] != kind for part in inner)
    wanted = all if gate == "all" else any
    assert (depth(made, POINTS) > 0).tolist() == [wanted(truth(part, row) for part in parts) for row in POINTS]


@given(FORMULAS, st.integers(0, 9))
def test_renumbering_moves_the_half_spaces(formula, by):
    moved = np.concatenate([np.full((64, by), np.nan), POINTS], axis=1)
    np.testing.assert_array_equal(depth(renumber(formula, by), moved), depth(formula, POINTS))


def test_sizes():
    formula = ("any", 0, ("all", 1, 2, 3), ("all", 4, ("any", 1, 2)))
    assert (height(formula), widest(formula), height(7), widest(7)) == (3, 3, 0, 1)
    assert parts_of(7) == ("all", (7,))
