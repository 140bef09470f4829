"""The page's chapters on gradients and units."""

import numpy as np
import pytest
import torch
from torch import nn

from inscape import data
from inscape.gradients import _section, _section_units, contributions, diagnose, slabs, support
from inscape.results import Context
from inscape.training import mlp


@pytest.fixture(scope="module")
def digits():
    x, y = data.load("digits")
    return x[:200], y[:200]


def context(model, x, y):
    return Context(model=model, network=None, name="net", x=x, y=y)


def test_the_chapter_says_what_diagnose_says(digits):
    model = mlp([64, 24, 24, 24, 10], rng=0)
    model[4].weight.data.mul_(0.001)
    made = _section.section(context(model, *digits))
    found = diagnose(model, None, digits)
    assert made.numbers["cause"] == "small_weights"
    assert made.numbers["layer"] == "4"
    assert made.numbers["change"] == pytest.approx(found.verdict.before)
    assert made.paragraphs[0].startswith(found.verdict.sentence)
    assert "On a copy of the network" in made.paragraphs[0]
    assert [figure.name for figure in made.figures] == ["budget", "layers", "samples"]
    assert ", ".join(map(str, contributions(model, None, digits).ranked(most=5))) in made.figures[2].caption
    assert made.tables[0].rows == 4


def test_branches_and_refusals_are_told(digits):
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(24, 24), nn.Linear(24, 24)

        def forward(self, x):
            return x + self.second(torch.relu(self.first(x)))

    tied = nn.Linear(24, 24)
    model = nn.Sequential(nn.Linear(64, 24), Block(), tied, nn.Tanh(), tied, nn.Linear(24, 10))
    made = _section.section(context(model, *digits))
    shares = made.tables[1].columns["share"]
    assert sum(float(share.rstrip("%")) for share in shares) == pytest.approx(100, abs=0.2)
    assert any("its weight is used 2 times" in note for note in made.notes)


def test_there_is_no_chapter_without_labels_or_layers(digits):
    x, _ = digits
    model = mlp([64, 8, 10], rng=0)
    assert _section.section(context(model, x, None)) is None
    assert _section_units.section(context(model, x, None)) is None
    assert _section.section(context(nn.Flatten(), *digits)) is None
    assert _section_units.section(context(nn.Linear(64, 10), *digits)) is None


def test_units_are_counted(digits):
    model = mlp([64, 16, 10], rng=0)
    model[0].bias.data[:3] = -100.0
    made = _section_units.section(context(model, *digits))
    held = support(model, digits)
    assert made.numbers["dead"] == slabs(model, digits).dead.sum() == 3
    assert made.numbers["unsupported"] == np.count_nonzero(held.unsupported) >= 3
    assert "3 are off on all samples" in made.paragraphs[1]
    assert made.tables[0].rows == 1
