"""The restricted reader: numeric arrays and plain containers in, everything else refused and not run."""

import io
import os
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from inscape._errors import FileFormatError
from inscape.data._unpickle import read_pickle

NUMBERS = st.one_of(hnp.integer_dtypes(), hnp.unsigned_integer_dtypes(), hnp.floating_dtypes(sizes=(32, 64)))


@given(array=hnp.arrays(NUMBERS, hnp.array_shapes(min_dims=0, min_side=0)), protocol=st.sampled_from([2, 3, 4, 5]))
def test_arrays_come_back_as_they_were(array, protocol):
    back = read_pickle(pickle.dumps({"a": [array, (1, 2.5)]}, protocol=protocol), "f")
    found = next(iter(back.values()))
    assert found[1] == (1, 2.5)
    assert found[0].dtype == array.dtype
    np.testing.assert_array_equal(found[0], array)


def test_fortran_order_comes_back():
    array = np.asfortranarray(np.arange(12).reshape(3, 4))
    for protocol in (2, 4, 5):
        np.testing.assert_array_equal(read_pickle(pickle.dumps(array, protocol=protocol), "f"), array)


class _Runs:
    def __init__(self, call, *arguments):
        self.pair = (call, arguments)

    def __reduce__(self):
        return self.pair


@pytest.mark.parametrize(
    "hostile",
    [
        _Runs(os.mkdir, "owned"),
        _Runs(eval, "1"),
        _Runs(np.load, "owned"),
        _Runs(getattr, "text", "upper"),
        np.array([1, "a", None], dtype=object),
        np.zeros(2, dtype=[("a", int)]),
        np.array(["text"]),
        np.float64(1.0),
        {1, 2}.__class__.__mro__,
        io.StringIO,
    ],
    ids=range(10),
)
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_anything_else_is_refused_and_not_run(hostile, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileFormatError, match="batch_1"):
        read_pickle(pickle.dumps([hostile], protocol=protocol), "batch_1")
    assert list(tmp_path.iterdir()) == []


@given(cut=st.integers(0, 200), flip=st.integers(0, 255))
def test_damage_never_escapes_as_another_error(cut, flip):
    content = bytearray(pickle.dumps({"data": np.arange(10), "labels": [1, 2]}, protocol=4))
    content[cut % len(content)] ^= flip
    try:
        read_pickle(bytes(content), "f")
        read_pickle(bytes(content[: cut % len(content)]), "f")
    except FileFormatError:
        pass


def test_codec_other_than_latin1_is_refused():
    content = b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00rot13\x86R."
    with pytest.raises(FileFormatError, match="rot13"):
        read_pickle(content, "f")
