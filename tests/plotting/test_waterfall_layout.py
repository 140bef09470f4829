"""Places on the axis: texts are inside, bars without end stop at the frame, names keep their telling end."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inscape.plotting import Waterfall
from inscape.plotting._waterfall_layout import arranged, bar_texts, name_lines, signed

NAN, INF = np.nan, np.inf


def waterfall(values, totals=(), **more):
    names = [f"bar {i}" for i in range(len(values))]
    return Waterfall(names=names, values=values, kinds=["k"] * len(values), totals=totals, **more)


numbers = st.floats(-1e4, 1e4) | st.sampled_from([0.0, NAN, -INF])


@given(st.lists(numbers, min_size=1, max_size=30), st.integers(25, 80))
def test_texts_and_bars_are_inside_the_axis(values, width):
    layout = arranged(waterfall(values, totals=[i % 5 == 4 for i in range(len(values))]), width)
    span = layout.high - layout.low
    reach = np.minimum([len(text) / width for text in layout.texts], 0.3) * span
    ends = layout.anchors + np.where(layout.right, reach, -reach)
    assert layout.low < 0 < layout.high
    assert (ends >= layout.low - 1e-9 * span).all()
    assert (ends <= layout.high + 1e-9 * span).all()
    known = layout.bars[~np.isnan(layout.bars[:, 0])]
    assert ((known >= layout.low) & (known <= layout.high)).all()
    assert (known[:, 0] <= known[:, 1]).all()


def test_texts_stand_at_the_end_to_which_a_bar_moves():
    layout = arranged(waterfall([2.0, -3.0, 0.5, 0.0, NAN], totals=[0, 0, 0, 0, 1]), 60)
    assert layout.texts == ("2.00", "−3.00", "+0.50", "0.00", "−0.50")
    assert layout.anchors.tolist() == [2.0, -1.0, -0.5, -0.5, -0.5]
    assert layout.right.tolist() == [True, False, True, True, False]
    assert layout.links.tolist() == [[0, 2.0], [1, -1.0], [2, -0.5], [3, -0.5]]


def test_a_blocked_bar_goes_to_the_frame_and_unknown_rows_stand_there():
    layout = arranged(waterfall([1.0, -INF, NAN, 2.0, NAN], totals=[0, 0, 0, 0, 1]), 60)
    assert layout.texts == ("1.00", "blocked", "–", "–", "−∞")
    assert layout.arrows.tolist() == [1, 4]
    np.testing.assert_array_equal(layout.bars[1:], [[layout.head, 1], [NAN, NAN], [NAN, NAN], [layout.head, 0]])
    assert layout.low < layout.head < 0
    assert layout.anchors.tolist() == [1.0, 1.0, layout.low, layout.low, 0.0]
    assert layout.right.all()
    assert layout.links.tolist() == [[0, 1.0]]


def test_a_step_that_blocks_below_an_unknown_one_has_an_arrow_and_no_bar():
    layout = arranged(waterfall([1.0, NAN, -INF]), 60)
    assert layout.texts == ("1.00", "–", "blocked")
    assert layout.arrows.tolist() == [2]
    assert np.isnan(layout.bars[1:]).all()
    assert layout.anchors[1:].tolist() == [layout.low, layout.head]


def test_a_start_without_end_is_a_level():
    assert bar_texts(waterfall([-INF, 1.0, NAN], totals=[0, 0, 1])) == ("−∞", "–", "−∞")


@pytest.mark.parametrize("values", [[0.0, 0.0], [NAN, NAN], [0.0], [1e-9, -1e-9], [5e-324]])
def test_an_axis_without_extent_gets_one(values):
    layout = arranged(waterfall(values), 60)
    assert layout.low < -1
    assert layout.high > 1


def test_references_are_inside_the_axis():
    layout = arranged(waterfall([1.0, 1.0], reference=[-7.0, 9.0]), 60)
    assert layout.low < -7
    assert layout.high > 10


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.005e5, "+1.00e+05"), (-99999.0, "−99999.00"), (-0.001, "−0.00"), (-0.0, "0.00"), (NAN, "–"), (INF, "+∞")],
)
def test_numbers_as_texts(value, text):
    assert signed(value) == text


@given(st.text(max_size=90), st.integers(8, 40))
def test_lines_of_names_are_short_and_keep_the_end(name, width):
    lines = name_lines(name, width)
    text = " ".join(name.split())
    assert len(lines) <= 2
    assert all(len(line) <= width for line in lines)
    shown = "".join(lines).replace(" ", "")
    assert shown == text.replace(" ", "") or text.replace(" ", "").endswith(shown.lstrip("…"))
    assert len(text) > 2 * width or "…" in text or "…" not in shown


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("layers.3.self_attn.out_proj", ("layers.3.self_attn.out_proj",)),
        ("model.decoder.layers.27.self_attn.out_proj", ("model.decoder.layers.27.", "self_attn.out_proj")),
        ("model.decoder.layers.27.encoder_attn.out_proj", ("model.decoder.layers.27.", "encoder_attn.out_proj")),
        ("b" * 40, ("b" * 28, "b" * 12)),
        ("b" * 70, ("…" + "b" * 27, "b" * 28)),
        ("two\nlines", ("two lines",)),
        ("", ("",)),
    ],
)  # fmt: skip
def test_names_break_after_a_mark(name, lines):
    assert name_lines(name, 28) == lines


def test_the_layout_does_not_depend_on_marks_and_names():
    plain = waterfall([1.0, -2.0])
    marked = replace(plain, highlight=[1], names=["x" * 90, "y"])
    assert arranged(plain, 40).anchors.tolist() == arranged(marked, 40).anchors.tolist()
