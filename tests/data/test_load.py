"""Names, cards and options."""

import numpy as np
import pytest

from inscape import data
from inscape._errors import DataError


@pytest.mark.parametrize("name", data.names())
def test_card_tells_the_shape_and_the_options(name):
    card = data.card(name)
    x, y = data.load(name)
    assert card.name == name
    assert tuple(x.shape[1:]) == card.shape
    assert not card.classes or len(card.classes) == len(y.unique())
    assert card.licence
    assert card.source
    assert dict(card.options).keys() <= {
        "n", "noise", "rng", "flat", "factor", "arms", "turns", "centers", "components", "apexes", "radius",
        "distance", "length", "shear",
    }  # fmt: skip
    if dict(card.options).get("n"):
        assert len(data.load(name, n=50)[0]) == 50


def test_loads_are_independent():
    first, _ = data.load("digits")
    first.zero_()
    assert data.load("digits")[0].sum() > 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mnist5", "did you mean 'mnist5k'"),
        ("nonsense", "known: digits, mnist5k"),
        ("idx:", "write idx:PATH"),
        ("moons(3)", "no data set"),
        ("a b:c", "no data set"),
        ("", "no data set"),
    ],
)
def test_unknown_names(name, words):
    with pytest.raises(DataError, match=words):
        data.load(name)


def test_unknown_card_and_option():
    with pytest.raises(DataError, match="no data set"):
        data.card("nonsense")
    assert data.card("gmm2d(9)").name == "gmm2d"
    with pytest.raises(DataError, match="no option 'noize'; it has n, noise, rng"):
        data.load("moons", noize=1)
    with pytest.raises(DataError, match="no option 'path'"):
        data.load("npz:x", path="y")


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("moons", {"n": "many"}, "option n of 'moons' as int, such as 1000, got 'many'"),
        ("moons", {"n": 10.5}, "as int"),
        ("moons", {"n": True}, "as int"),
        ("moons", {"noise": "loud"}, "as float"),
        ("digits", {"flat": 0}, "as bool"),
        ("idx:a", {"labels": 3}, "as str"),
    ],
)
def test_options_of_the_wrong_type_are_named(name, options, words):
    with pytest.raises(DataError, match=words):
        data.load(name, **options)


def test_numbers_of_numpy_are_options():
    assert len(data.load("moons", n=np.int64(20), noise=np.float32(0.1))[0]) == 20
