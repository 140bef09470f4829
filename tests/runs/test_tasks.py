"""Options, their hash and the seed that follows from it."""

from inspect import unwrap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inscape._errors import InputError, InputTypeError
from inscape.runs import grid
from inscape.runs._tasks import canonical, prepare, seed_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
OPTIONS = st.dictionaries(st.text(max_size=4), VALUES, max_size=4)


def test_grid_is_the_product_with_the_last_axis_fastest():
    expected = [{"a": a, "b": b} for a in (1, 2) for b in "xy" for _ in range(3)]
    assert grid(a=[1, 2], b=("x", "y"), repeats=3) == expected


def test_tasks_of_a_grid_are_dicts_of_their_own():
    first, second = grid(a=[1], repeats=2)
    first["a"] = 5
    assert second == {"a": 1}


@pytest.mark.parametrize("repeats", [0, -1, 1.5, True])
def test_repeats_are_checked(repeats):
    with pytest.raises(InputError, match=f"expected repeats as an integer ≥ 1, got {repeats}"):
        grid(a=[1], repeats=repeats)


@pytest.mark.parametrize("values", ["abc", 3])
def test_an_axis_is_a_sequence(values):
    with pytest.raises(InputTypeError, match="expected a sequence of values for 'a'"):
        grid(a=values)


@given(OPTIONS)
def test_order_of_keys_does_not_matter(options):
    turned = dict(reversed(options.items()))
    assert prepare([options])[0].key == prepare([turned])[0].key


@given(OPTIONS, OPTIONS)
def test_different_options_have_different_hashes(first, second):
    same = canonical(first, 0) == canonical(second, 0)
    assert (prepare([first])[0].key == prepare([second])[0].key) is same


def test_replicates_count_equal_options_wherever_they_stand():
    made = prepare([{"a": 1}, {"a": 2}, {"a": 1}, {"a": 1.0}])
    assert [task.replicate for task in made] == [0, 0, 1, 0]
    assert len({task.key for task in made}) == 4


def test_numpy_scalars_are_the_numbers_that_they_hold():
    assert canonical({"a": np.int32(3), "b": np.float64(0.5)}, 0) == canonical({"a": 3, "b": 0.5}, 0)


def test_a_task_that_is_no_mapping_is_named():
    with pytest.raises(InputTypeError, match="expected task 2 as a mapping of options, got int"):
        unwrap(canonical)(5, 2)


def test_seed_is_that_of_numpy_s_seed_sequence():
    key = bytes(range(16))
    words = [int.from_bytes(key[i : i + 4], "little") for i in range(0, 16, 4)]
    expected = np.random.SeedSequence(entropy=42, spawn_key=tuple(words)).generate_state(1, np.uint64)[0]
    assert seed_of(42, key) == int(expected) // 2


def test_seeds_are_spread():
    """10 000 tasks: no seed twice, and every bit set about half of the time (six standard deviations)."""
    seeds = np.array([seed_of(0, task.key) for task in prepare(grid(i=range(10_000)))], dtype=np.uint64)
    assert len(np.unique(seeds)) == len(seeds)
    shares = np.array([(seeds >> np.uint64(bit) & np.uint64(1)).mean() for bit in range(63)])
    assert np.abs(shares - 0.5).max() < 6 * 0.5 / np.sqrt(len(seeds))
    assert seed_of(0, prepare([{"i": 0}])[0].key) != seed_of(1, prepare([{"i": 0}])[0].key)
