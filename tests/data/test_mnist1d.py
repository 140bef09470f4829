"""One-dimensional digits: the strokes, the balance, and what makes the set hard."""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from inscape import data
from inscape.data._mnist1d import digit_strokes


def test_strokes_are_ten_different_curves():
    strokes = digit_strokes()
    assert strokes.shape == (10, 12)
    assert np.abs(strokes).max() <= 1.2
    distance = np.linalg.norm(strokes[:, None] - strokes[None], axis=-1) + 10 * np.eye(10)
    assert distance.min() > 0.7


def test_shape_balance_and_scale():
    x, y = data.load("mnist1d", n=1005, length=32)
    assert x.shape == (1005, 32)
    counts = y.bincount()
    assert counts.max() - counts.min() == 1
    assert abs(float(x.mean())) < 1e-5
    assert abs(float(x.std()) - 1) < 1e-3


def test_without_noise_and_shear_the_stroke_is_all_there_is():
    x, y = data.load("mnist1d", n=200, noise=0.0, shear=0.0, length=160)
    flat = x.median(dim=1, keepdim=True).values
    share = ((x - flat).abs() > 0.02).float().mean(1)
    assert share.max() < 0.4
    assert len(y.unique()) == 10


def test_linear_classifier_is_weak_and_beats_chance():
    """As the published set: positions vary, so a linear rule does little better than chance."""
    x, y = data.load("mnist1d", n=2000)
    (a, b), (c, d) = data.split(x, y, test=0.25)
    linear = LogisticRegression(max_iter=500).fit(a.numpy(), b.numpy()).score(c.numpy(), d.numpy())
    assert 0.12 < linear < 0.5
    clean, labels = data.load("mnist1d", n=2000, noise=0.05, shear=0.1)
    (a, b), (c, d) = data.split(clean, labels, test=0.25)
    neighbour = KNeighborsClassifier(1).fit(a.numpy(), b.numpy()).score(c.numpy(), d.numpy())
    assert neighbour > linear + 0.1
    assert torch.isfinite(clean).all()
