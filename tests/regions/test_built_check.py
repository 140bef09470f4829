"""The check of built networks finds what is planted."""

from dataclasses import replace

import numpy as np
import pytest

from inscape import load
from inscape._errors import InputError
from inscape.regions import Box, Polygon, build
from inscape.results import Verdict

L = Polygon([(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)])


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
@pytest.mark.parametrize("classes", [False, True])
def test_sound_networks_hold(activation, classes, tmp_path):
    shapes = {"L": L, "box": Box(low=(3, 3), high=(4, 4))} if classes else L
    found = build(shapes, 40.0, activation=activation, rest="rest" if classes else None).verify(points=3000)
    assert found.holds
    assert (found.wrong, found.wrong_pieces) == (0, 0)
    assert found.gap < 1e-12
    assert found.confidence >= found.certified > 0.85
    assert (found.pieces > 5) == (activation == "relu")
    assert load(found.save(tmp_path / "check.npz")).facts() == found.facts()


def shifted(built, by):
    """The same claim with a last layer that is off."""
    *layers, (weight, bias) = built.layers
    return replace(built, layers=(*layers, (weight, bias + by)))


@pytest.mark.parametrize(("activation", "by"), [("relu", 1e-3), ("relu", -20.0), ("sigmoid", 20.0)])
def test_wrong_networks_are_found(activation, by):
    found = shifted(build(L, 40.0, activation=activation), by).verify(points=3000)
    assert not found.holds
    assert found.status.verdict is Verdict.DEGENERATE
    assert found.gap > 1e-6 or found.wrong > 0


def test_a_part_too_much_is_found_by_its_pieces():
    whole, other = build(L, 40.0, activation="relu"), build(Box(low=(-1, -1), high=(3, 3)), 40.0, activation="relu")
    found = replace(whole, layers=other.layers).verify(points=1)
    assert found.wrong_pieces > 0
    assert not found.holds


def test_overlapping_classes_are_told_apart_by_depth():
    built = build({"a": Box(low=(0, 0), high=(2, 2)), "b": Box(low=(1, 0), high=(3, 2))}, 9.0, activation="relu")
    assert built.verify(points=2000).holds
    assert build({"a": Box(low=(0, 0), high=(2, 2)), "b": Box(low=(1, 0), high=(3, 2))}, 9.0, rest="r").verify().holds


def test_points_are_needed():
    with pytest.raises(InputError, match="points ≥ 1"):
        build(L, 40.0).verify(points=0)


def test_same_seed_same_answer():
    built = build(L, 40.0)
    first, second = built.verify(points=500, rng=3), built.verify(points=500, rng=3)
    assert first.confidence == second.confidence
    assert not np.isclose(first.confidence, built.verify(points=500, rng=4).confidence, rtol=1e-12)
