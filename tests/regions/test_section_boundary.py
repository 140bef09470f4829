"""The page's chapter on the boundary: planted boundaries of known length, parts and loops."""

import json
from math import sqrt

import numpy as np
import pytest
import torch
from torch import nn

from inscape.network import read
from inscape.regions._section_boundary import section
from inscape.report._text import plain
from inscape.results import Context
from inscape.testing import sequential, unchanged

CORNERS = torch.tensor([[-2.0, -2.0], [2.0, 2.0], [0.5, 0.0]])
HALF = 2.0 + 0.15 * 4.0  # of the window: the samples and a rim


def context(model, x=CORNERS, **more):
    return Context(model=model, network=read(model, example=x[:1]), name="net", x=x, **more)


def diamond():
    """1 - |x| - |y|: positive in a square on its corner."""
    rows = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    return sequential([(rows, np.zeros(4)), (-np.ones((1, 4)), np.ones(1))])


def sectors():
    """argmax(0, x, y): three areas that meet in the origin."""
    return sequential([(np.eye(2), np.full(2, 9.0)), (np.array([[0, 0], [1, 0], [0, 1.0]]), np.array([0.0, -9, -9]))])


def test_a_square_is_one_loop_around_an_island():
    found = section(context(diamond()))
    plane = found.numbers["planes"]["input"]
    assert (plane["parts"], plane["loops"], plane["euler"]) == (1, 1, 0)
    assert plane["length"] == pytest.approx(4 * sqrt(2))
    assert plane["classes"]["output > 0"] == {
        "area": pytest.approx(2.0),
        "share": pytest.approx(2 / (2 * HALF) ** 2),
        "parts": 1,
    }
    assert plane["classes"]["output ≤ 0"]["parts"] == 1
    assert plane["pairs"] == [
        {"classes": ["output ≤ 0", "output > 0"], "length": pytest.approx(4 * sqrt(2)), "parts": 1, "loops": 1}
    ]
    assert "1 part and 1 loop" in found.paragraphs[1]
    assert "every class hangs together" in found.paragraphs[1]


def test_three_sectors_meet_in_a_point():
    found = section(context(sectors(), classes=("none", "right", "up")))
    plane = found.numbers["planes"]["input"]
    assert (plane["parts"], plane["loops"], plane["euler"]) == (1, 0, 1)
    lengths = {" ".join(pair["classes"]): pair["length"] for pair in plane["pairs"]}
    assert lengths == pytest.approx({"right up": HALF * sqrt(2), "none right": HALF, "none up": HALF})
    assert plane["pairs"][0]["classes"] == ["right", "up"]
    assert {name: facts["share"] for name, facts in plane["classes"].items()} == pytest.approx(
        {"none": 0.25, "right": 0.375, "up": 0.375}
    )
    assert "between the classes right and up" in found.paragraphs[1]


def test_two_stripes_are_said_to_be_in_parts():
    """|x| - 1: the outside is two stripes."""
    model = sequential([(np.array([[1.0, 0], [-1, 0]]), np.zeros(2)), (np.ones((1, 2)), -np.ones(1))])
    found = section(context(model, classes=("middle", "outside")))
    plane = found.numbers["planes"]["input"]
    assert (plane["parts"], plane["loops"]) == (2, 0)
    assert (plane["classes"]["outside"]["parts"], plane["classes"]["middle"]["parts"]) == (2, 1)
    assert "In several parts is the area of outside." in found.paragraphs[1]


def test_tables_hold_the_numbers():
    found = section(context(sectors()))
    planes, classes, pairs = found.tables
    plane = found.numbers["planes"]["input"]
    assert list(planes.columns["length (input units)"]) == [plane["length"]]
    assert list(classes.columns["class"]) == ["0", "1", "2"]
    assert sum(pairs.columns["length (input units)"]) == pytest.approx(plane["length"])
    json.dumps(plain(found.numbers), allow_nan=False)


def test_a_single_class_is_said_and_has_no_table_of_pairs():
    model = sequential([(np.eye(2), np.zeros(2)), (np.zeros((2, 2)), np.array([0.0, 1.0]))])
    found = section(context(model))
    assert found.numbers["planes"]["input"]["pairs"] == []
    assert len(found.tables) == 2
    assert "belongs to the class 1, so there is no boundary" in found.paragraphs[1]


def test_many_pairs_are_cut_and_said():
    """Fourteen sectors around the origin; where they meet, rounding makes a few more pairs of no length."""
    angles = 2 * np.pi * np.arange(14) / 14
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    model = sequential([(np.eye(2), np.full(2, 9.0)), (rows, -9.0 * rows.sum(1))])
    found = section(context(model))
    pairs = found.numbers["planes"]["input"]["pairs"]
    assert sum(pair["length"] > 1e-6 for pair in pairs) == 14
    assert [("parts" in pair) for pair in pairs] == [True] * 12 + [False] * (len(pairs) - 12)
    assert f"{len(pairs) - 12} more pairs of classes meet" in found.notes[0]
    assert len(found.tables[2].columns["between"]) == 12


def test_smooth_networks_and_single_inputs_have_no_chapter():
    assert section(context(nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2)))) is None
    assert section(context(nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 2)), torch.rand(5, 1))) is None


def test_the_model_stays():
    model = diamond()
    with unchanged(model):
        section(context(model))
