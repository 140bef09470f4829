"""Values in a file form."""

import math

import errands
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from inscape._errors import FileFormatError, InputTypeError
from inscape.runs._record import Payload
from inscape.runs._value import decode, encode

PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
KEYS = st.text(max_size=3).filter(lambda key: not key.startswith("$"))
ARRAYS = arrays.arrays(dtype=st.sampled_from(["f8", "f4", "i8", "?", "<U3"]), shape=arrays.array_shapes(max_side=3))
VALUES = st.recursive(
    PLAIN | ARRAYS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)


def same(new, old):
    """Equal values of equal types, NaN equal to itself."""
    if isinstance(old, np.ndarray):
        return isinstance(new, np.ndarray) and new.dtype == old.dtype and new.tobytes() == old.tobytes()
    if isinstance(old, list):
        return isinstance(new, list) and len(new) == len(old) and all(map(same, new, old))
    if isinstance(old, dict):
        return list(new) == list(old) and all(same(new[key], old[key]) for key in old)
    return type(new) is type(old) and (new == old or (isinstance(old, float) and math.isnan(old) and math.isnan(new)))


@given(VALUES)
def test_what_is_kept_comes_back(value):
    payload = encode(value)
    assert payload.size == len(payload.data)
    assert same(decode(payload), value)


@given(VALUES)
def test_equal_values_have_equal_bytes(value):
    assert encode(value) == encode(decode(encode(value)))


def test_tuples_become_lists_and_numpy_scalars_numbers():
    value = {"a": (1, np.float32(0.5)), "b": np.int64(3), "c": np.bool_(True)}
    assert same(decode(encode(value)), {"a": [1, 0.5], "b": 3, "c": True})
    assert same(decode(encode(value | {"d": np.ones(2)})), {"a": [1, 0.5], "b": 3, "c": True, "d": np.ones(2)})


def test_a_result_comes_back_as_it_was():
    history = errands.stored(3)
    found = decode(encode(history))
    assert type(found) is type(history)
    np.testing.assert_array_equal(found.loss, history.loss)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, {2}]}, r"the value\['a'\]\[1\] is of type set"),
        (torch.ones(2), r"type Tensor, .*value\.detach\(\)\.cpu\(\)\.numpy\(\)"),
        ({"a": {1: 2}}, r"the value\['a'\] has the key 1"),
        ({"$array": 2}, "keys must be texts that do not begin"),
        (np.array([object()]), "array of Python objects"),
        ([errands.stored(1)], r"the value\[0\] is of type History"),
        (1j, "type complex"),
        (b"raw", "type bytes"),
    ],
)
def test_what_has_no_file_form_is_named_with_its_place(value, text):
    with pytest.raises(InputTypeError, match=text):
        encode(value)


@pytest.mark.parametrize("form", ["json", "arrays", "result"])
def test_damaged_data_are_an_error(form):
    with pytest.raises(FileFormatError, match="a task's value"):
        decode(Payload(form=form, data=b"{damaged", size=8))


def test_an_unknown_form_is_an_error():
    with pytest.raises(FileFormatError, match="unknown form 'pickle'"):
        decode(Payload(form="pickle", data=b"", size=0))
