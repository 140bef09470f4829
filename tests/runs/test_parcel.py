"""The shared value: packed once, carried once, opened once."""

import pickle
import sys
import weakref

import numpy as np
import torch
from distributed.sizeof import sizeof
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from inscape.runs._parcel import Parcel, pack, unpack

ARRAYS = arrays.arrays(
    dtype=st.sampled_from(["f8", "f4", "i8", "u1", "?"]), shape=arrays.array_shapes(min_dims=0, min_side=0, max_side=4)
)


@given(st.lists(ARRAYS | st.text() | st.integers(), max_size=5))
def test_what_is_packed_comes_out(value):
    found = unpack(bytearray(pack(value)))
    assert len(found) == len(value)
    for new, old in zip(found, value, strict=True):
        if isinstance(old, np.ndarray):
            assert (new.dtype, new.shape, new.tobytes()) == (old.dtype, old.shape, old.tobytes())
        else:
            assert new == old


def test_arrays_and_tensors_can_be_written(tmp_path):
    value = {"array": np.arange(4.0), "tensor": torch.arange(3), "model": torch.nn.Linear(2, 2)}
    parcel = Parcel(pack(value))
    parcel.into(tmp_path)
    opened = parcel.open()
    opened["array"][0] = 7
    opened["tensor"][0] = 7
    parcel.forget()
    again = parcel.open()
    parcel.forget()
    np.testing.assert_array_equal(again["array"], np.arange(4.0))
    assert again["tensor"].tolist() == [0, 1, 2]
    assert torch.equal(again["model"].weight, value["model"].weight)


def test_a_parcel_is_opened_once_in_a_process():
    parcel = Parcel(pack({"x": np.ones(3)}))
    other = pickle.loads(pickle.dumps(parcel))
    try:
        assert parcel.open() is parcel.open() is other.open()
    finally:
        parcel.forget()


def test_only_a_few_values_are_kept_open():
    parcels = [Parcel(pack({"x": np.full(3, i)})) for i in range(6)]
    first = weakref.ref(parcels[0].open()["x"])
    for parcel in parcels[1:]:
        parcel.open()
    assert first() is None
    for parcel in parcels:
        parcel.forget()


def test_a_cluster_sees_its_true_size_and_can_refer_to_it_weakly():
    parcel = Parcel(pack(np.zeros(1_000_000)))
    assert 8_000_000 <= sizeof(parcel) < 8_001_000
    assert sys.getsizeof(parcel) >= 8_000_000
    assert weakref.ref(parcel)() is parcel


def test_in_a_file_only_its_name_travels(tmp_path):
    parcel = Parcel(pack(np.zeros(1_000_000)))
    parcel.into(tmp_path)
    assert len(pickle.dumps(parcel)) < 1000
    assert parcel.path == tmp_path / f"{parcel.digest}.parcel"


def test_it_travels_without_a_copy():
    parcel = Parcel(pack(np.zeros(1_000_000)))
    buffers = []
    head = pickle.dumps(parcel, protocol=5, buffer_callback=buffers.append)
    assert len(head) < 1000
    assert buffers[0].raw().nbytes >= 8_000_000
    assert pickle.loads(head, buffers=[bytes(b.raw()) for b in buffers]).digest == parcel.digest
