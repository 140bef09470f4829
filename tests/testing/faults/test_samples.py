"""Data of the cases: drawn from the training part, balanced, and contradictory where asked."""

import torch

from inscape.testing.faults import Net
from inscape.testing.faults._samples import contradictory, draw, held_out_part, training_part

MLP, CONV = Net(), Net(family="conv")


def rows(x):
    return {tuple(row) for row in x.flatten(1).tolist()}


def held_out_parts_share_no_sample():
    (x, y), (tx, ty) = training_part(MLP), held_out_part(MLP)
    assert (len(x), len(y), len(tx), len(ty)) == (1437, 1437, 359, 359)
    assert not rows(x) & rows(tx)


def test_drawn_samples_are_balanced_training_samples_without_repetition():
    x, y = draw(MLP, 3, 512)
    assert len(rows(x)) == 512
    assert rows(x) <= rows(training_part(MLP)[0])
    assert set(y.bincount().tolist()) == {51, 52}
    every, labels = training_part(MLP)
    known = {tuple(row): int(label) for row, label in zip(every.tolist(), labels, strict=True)}
    assert all(known[tuple(row)] == int(label) for row, label in zip(x.tolist(), y, strict=True))


def test_the_seed_decides_which():
    assert torch.equal(draw(MLP, 1, 64)[0], draw(MLP, 1, 64)[0])
    assert rows(draw(MLP, 1, 64)[0]) != rows(draw(MLP, 2, 64)[0])


def test_images_are_the_same_pixels():
    assert torch.equal(draw(CONV, 1, 64)[0].flatten(1), draw(MLP, 1, 64)[0])
    assert draw(CONV, 1, 64)[0].shape == (64, 1, 8, 8)
    assert draw(Net(family="conv", dataset="mnist5k"), 1, 5)[0].shape == (5, 1, 28, 28)


def test_what_is_handed_out_is_the_callers_own():
    training_part(MLP)[0].zero_()
    assert training_part(MLP)[0].any()


def test_contradictory_samples_have_each_label_once():
    x, y = contradictory(draw(MLP, 0, 51))
    assert x.shape == (510, 64)
    for image in x.unique(dim=0):
        assert sorted(y[(x == image).all(1)].tolist()) == list(range(10))
