"""Fingerprints of values: equal for equal content, different for any difference, the same in every process."""

import subprocess
import sys
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inscape._errors import InputTypeError
from inscape._fingerprint import fingerprint_value

PLAIN = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4) | st.binary(max_size=4)
)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


class Colour(Enum):
    RED = 1
    BLUE = 2


@dataclass
class Point:
    x: object
    provenance: object = None
    cache: object = field(default=None, metadata={"transient": True})


def double(x):
    return 2 * x


@given(VALUES, VALUES)
def test_different_values_differ(first, second):
    """``repr`` tells the values apart that this compares: 1, 1.0 and True are three."""
    assert (fingerprint_value(first) == fingerprint_value(second)) is (repr(first) == repr(second))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (np.zeros(4), np.zeros((2, 2))),
        (np.zeros(4), np.zeros(4, dtype=np.float32)),
        (np.zeros(4), np.array([0, 0, 0, 1e-300])),
        ([np.zeros(1), np.zeros(2)], [np.zeros(2), np.zeros(1)]),
        (torch.zeros(2), torch.zeros(2, dtype=torch.bfloat16)),
        (torch.zeros(2), torch.ones(2)),
        (Colour.RED, Colour.BLUE),
        (Point(x=1), Point(x=2)),
        ({1, 2}, {1, 3}),
        (double, Point),
        (torch.float32, torch.float64),
        (torch.nn.ReLU(), torch.nn.Tanh()),
        ([1, [2]], [[1], 2]),
    ],
)
def test_every_difference_shows(first, second):
    assert fingerprint_value(first) != fingerprint_value(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (np.arange(6).reshape(2, 3).T, np.arange(6).reshape(2, 3).T.copy()),
        ({1, 2, 3}, {3, 1, 2}),
        (Point(x=1, provenance="today", cache=3), Point(x=1, provenance="tomorrow")),
        (torch.ones(3, requires_grad=True), torch.ones(3)),
        (torch.nn.ReLU().train(), torch.nn.ReLU().eval()),
    ],
)
def test_what_does_not_count_does_not_show(first, second):
    assert fingerprint_value(first) == fingerprint_value(second)


def test_another_process_finds_the_same():
    code = (
        "import numpy as np; from inscape._fingerprint import fingerprint_value;"
        "print(fingerprint_value({'x': np.arange(3.0), 'names': {'a', 'b', 'c'}, 'n': (1, None)}))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == fingerprint_value({"x": np.arange(3.0), "names": {"c", "b", "a"}, "n": (1, None)})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [object()]}, r"shared\['a'\]\[0\] is of type builtins.object"),
        (np.array([None]), "an array of Python objects"),
        (Point(x=iter([])), r"shared\.x is of type builtins.list_iterator"),
        (eval("lambda: 1"), "whose source cannot be read"),
    ],
)
def test_what_has_no_fingerprint_is_named_with_its_place(value, text):
    with pytest.raises(InputTypeError, match=text):
        fingerprint_value(value)
