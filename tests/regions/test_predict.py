"""Predicted sizes against exact ones."""

import numpy as np
import pytest

from inscape.geometry import Box, Plane, Segment
from inscape.regions import partition, predict_cells
from inscape.testing import random_net, sawtooth, unchanged

SQUARE = Box(low=(-1.0, -1.0), high=(1.0, 1.0))


@pytest.mark.parametrize("widths", [[2, 40, 1], [2, 24, 24, 1], [2, 16, 16, 16, 2], [6, 24, 24, 1]], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_prediction_is_right_within_a_factor_of_two(widths, seed):
    model = random_net(widths, rng=seed)
    chart = SQUARE if widths[0] == 2 else Plane.random(np.zeros(widths[0]), radius=1.0, rng=seed)
    found, exact = predict_cells(model, chart), partition(model, chart).cell_count
    assert exact / 2 <= found.cells <= 2 * exact
    assert 1 <= found.low <= found.cells <= found.high


@pytest.mark.parametrize("chart", [Box(low=(0,), high=(1,)), Segment((0.1,), (0.9,))])
def test_prediction_on_a_line_is_exact(chart):
    found, exact = predict_cells(sawtooth(5), chart), partition(sawtooth(5), chart).cell_count
    assert found.cells == found.low == found.high == exact


def test_more_lines_narrow_the_interval():
    model = random_net([2, 24, 24, 1], rng=1)
    few, many = predict_cells(model, SQUARE, lines=8), predict_cells(model, SQUARE, lines=200)
    assert many.high - many.low < few.high - few.low
    assert (few.lines, many.lines) == (8, 200)


def test_same_seed_same_prediction():
    model = random_net([2, 10, 1], rng=1)
    with unchanged(model):
        assert predict_cells(model, SQUARE, rng=3) == predict_cells(model, SQUARE, rng=3)
    assert predict_cells(model, SQUARE, rng=3) != predict_cells(model, SQUARE, rng=4)


def test_memory_covers_the_finished_cells():
    model = random_net([2, 40, 1], rng=0)
    made = partition(model, SQUARE).complex
    arrays = [made.vertices, made.ends, made.label, made.start, made.half, made.doubt]
    needed = sum(a.nbytes for a in arrays) + sum(level.parent.nbytes + level.bits.nbytes for level in made.levels)
    assert needed / made.cell_count <= predict_cells(model, SQUARE).memory / predict_cells(model, SQUARE).cells


def test_a_net_without_kinks_has_one_cell():
    assert predict_cells(random_net([2, 1, 1], kind="pruned", rng=0), SQUARE).cells == 1.0
