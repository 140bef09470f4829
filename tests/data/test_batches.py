"""One form for every shape of the argument ``data``."""

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from inscape import data
from inscape._errors import DataError

X = torch.arange(10.0).reshape(5, 2)
Y = torch.tensor([0, 1, 0, 1, 0])


def _whole(found):
    parts = list(found)
    return torch.cat([x for x, _ in parts]), torch.cat([y for _, y in parts])


@pytest.mark.parametrize(
    "source",
    [
        (X, Y),
        [X, Y],
        (X.numpy(), Y.numpy()),
        [(X[:3], Y[:3]), (X[3:], Y[3:])],
        [(X[:3].numpy(), Y[:3].numpy()), [X[3:], Y[3:]]],
        TensorDataset(X, Y),
        DataLoader(TensorDataset(X, Y), batch_size=2),
    ],
    ids=["pair", "list", "numpy", "batches", "mixed", "dataset", "loader"],
)
def test_every_form_gives_the_same_samples_twice(source):
    found = data.batches(source, batch_size=2, passes=2)
    for _ in range(2):
        x, y = _whole(found)
        assert torch.equal(x, X)
        assert torch.equal(y, Y)


def test_pair_is_cut_and_never_copied_to_another_type():
    assert [len(x) for x, _ in data.batches((X, Y), batch_size=2)] == [2, 2, 1]
    x, _ = next(iter(data.batches((X.double(), Y))))
    assert x.dtype == torch.float64


def test_single_sample_left_over_joins_when_shuffled():
    order = torch.tensor([4, 3, 2, 1, 0])
    parts = list(data.batches((X, Y), batch_size=2).ordered(order))
    assert [len(x) for x, _ in parts] == [2, 3]
    assert torch.equal(torch.cat([x for x, _ in parts]), X.flip(0))
    assert [len(x) for x, _ in data.batches((X, Y), batch_size=1).ordered(order)] == [1] * 5


def test_big_endian_arrays_are_read():
    x, _ = next(iter(data.batches((X.numpy().astype(">f4"), Y.numpy()))))
    assert torch.equal(x, X)


def test_one_shot_iterators_are_refused_where_two_passes_are_needed():
    def once():
        yield X, Y

    assert len(list(data.batches(once(), passes=1))) == 1
    with pytest.raises(DataError, match="walks through the data 3 times, but a generator"):
        data.batches(once(), passes=3)
    with pytest.raises(DataError, match="list_iterator"):
        data.batches(iter([(X, Y)]), passes=2)


def test_used_up_iterator_is_named():
    spent = iter([])
    with pytest.raises(DataError, match="no batch"):
        list(data.batches(spent))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (X, "got a Tensor"),
        ("digits", "got a str"),
        ({"x": X}, "got a dict"),
        (3, "got int"),
        ((X, Y[:3]), "first axes"),
    ],
)
def test_other_things_are_refused(source, words):
    with pytest.raises(DataError, match=words):
        data.batches(source)


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        (X, "batch 1 is a Tensor"),
        ((X, Y, Y), "batch 1 is a tuple"),
        ((X, Y[:2]), "same number of samples"),
        ((X[:0], Y[:0]), "one at least"),
        ((X, [0, 1, 0, 1, 0]), "y of batch 1"),
    ],
)
def test_bad_batches_are_named(batch, words):
    with pytest.raises(DataError, match=words):
        list(data.batches([batch]))


def test_empty_pair_and_batch_size():
    with pytest.raises(DataError, match="empty"):
        list(data.batches((X[:0], Y[:0])))
    with pytest.raises(DataError, match="batch_size ≥ 1"):
        data.batches((X, Y), batch_size=0)
    with pytest.raises(DataError, match="iterable's own"):
        list(data.batches([(X, Y)]).ordered(None))
