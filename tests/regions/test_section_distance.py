"""The page's chapter on distances: planted networks with known distances, words that say what was found."""

import json
from math import sqrt

import numpy as np
import pytest
import torch
from torch import nn

from inscape.network import read
from inscape.regions import distance
from inscape.regions._section_distance import section
from inscape.report._text import plain
from inscape.results import Context
from inscape.testing import random_net, sequential, unchanged

POINTS = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.5, 0.25], [1.0, 1.0]])
TRUTH = [1 / sqrt(2), 1.0, 0.25 / sqrt(2), 1 / sqrt(2)]  # to the square |x| + |y| = 1


def context(model, x=POINTS, **more):
    more = {"options": {"distance_seconds": 60.0}} | more
    return Context(model=model, network=read(model, example=x[:1]), name="net", x=x, **more)


def diamond():
    """1 - |x| - |y|: positive in a square on its corner."""
    rows = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    return sequential([(rows, np.zeros(4)), (-np.ones((1, 4)), np.ones(1))])


def test_distances_of_a_square():
    found = section(context(diamond(), y=torch.tensor([1, 0, 1, 1]), classes=("out", "in")))
    rows = {row["sample"]: row for row in found.numbers["samples"]}
    assert sorted(rows) == [0, 1, 2, 3]
    for i, truth in enumerate(TRUTH):
        assert rows[i]["lower"] <= truth * (1 + 1e-9)
        assert rows[i]["upper"] == pytest.approx(truth, rel=2e-6)
        assert rows[i]["certified"]
    assert [rows[i]["class"] for i in range(4)] == ["in", "out", "in", "out"]
    assert [rows[i]["becomes"] for i in range(4)] == ["out", "in", "out", "in"]
    assert found.numbers["headline"] == {"median distance to the boundary": "0.707"}
    assert (
        "is sample 2, taken for class in: a change of length 0.1768 (certified) makes it class out"
        in found.paragraphs[1]
    )
    assert "1 of them is taken for another class than the label says" in found.paragraphs[1]


def test_numbers_are_those_of_the_library():
    model = random_net([4, 6, 3], rng=0)
    x = torch.rand(9, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows = section(context(model, x, options={"distance_samples": 3, "distance_seconds": 60})).numbers["samples"]
    assert [row["upper"] for row in rows] == sorted(row["upper"] for row in rows)
    again = distance(model, x[[row["sample"] for row in rows]])
    np.testing.assert_array_equal([row["upper"] for row in rows], again.upper)
    np.testing.assert_array_equal([row["lower"] for row in rows], again.lower)
    assert [[row["class"], row["becomes"]] for row in rows] == [[str(i) for i in pair] for pair in again.pairs.tolist()]


def test_table_and_figure_show_the_samples():
    found = section(context(diamond()))
    (table,), (figure,) = found.tables, found.figures
    assert "label" not in table.columns
    assert list(table.columns["distance at most"]) == [row["upper"] for row in found.numbers["samples"]]
    np.testing.assert_allclose(figure.info.series[0].y, sorted(TRUTH), rtol=2e-6)
    assert "input units" in figure.info.ylabel


def test_too_little_time_is_said_and_the_bounds_hold():
    model = random_net([12, 30, 30, 4], rng=0)
    x = torch.rand(4, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = section(context(model, x, options={"distance_seconds": 1e-6}))
    assert found.numbers["certified"] < len(found.numbers["samples"])
    assert any("was not enough to bring the bounds together" in note for note in found.notes)
    assert all(row["lower"] <= row["upper"] for row in found.numbers["samples"])


def test_samples_that_the_time_leaves_out_are_said():
    """The first sample is always measured; then the time is over, as it is from the start."""
    x = torch.rand(6, 2, generator=torch.Generator().manual_seed(0))
    found = section(context(diamond(), x, options={"distance_seconds": -1.0}))
    assert len(found.numbers["samples"]) == 1
    assert "5 more samples were to be measured" in found.notes[1]


def test_a_boundary_that_is_nowhere_is_said():
    model = sequential([(np.eye(2), np.zeros(2)), (np.zeros((2, 2)), np.array([0.0, 1.0]))])
    found = section(context(model))
    assert "within a distance of 1,000,000 there is none, and no point of it was found" in found.paragraphs[1]
    assert not found.figures
    assert "headline" not in found.numbers
    json.dumps(plain(found.numbers), allow_nan=False)


def test_a_smooth_network_is_refused_in_words():
    found = section(context(nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2))))
    assert "Tanh" in found.notes[0]
    assert not found.figures


def test_without_samples_there_is_no_chapter():
    assert section(Context(model=diamond(), network=read(diamond()), name="net")) is None


def test_the_model_stays():
    model = diamond()
    with unchanged(model):
        section(context(model))
