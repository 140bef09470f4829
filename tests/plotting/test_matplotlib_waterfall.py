"""Waterfalls in matplotlib: bars at their places, and every text inside the figure and on no other."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Polygon, Rectangle
from matplotlib.text import Text

from inscape.plotting import Waterfall, render
from inscape.plotting._theme import THEMES, categorical

NAN, INF = np.nan, np.inf
ODD = Waterfall(
    names=["$x_1$ Σ∂ℓ → é", "a" * 80, "W" * 28, "<b>", "end"],
    values=[2.5, -8.0, 3.0, 1.25, NAN],
    kinds=["$α$", "b", "<i>", "a kind with a long name", "total"],
    totals=[0, 0, 0, 0, 1],
    label="log ‖∇‖ ($)",
    title="Ünïcode $a$",
    reference=[NAN, -7.0, 3.2, 1.0, NAN],
    highlight=[3],
)
EXTREMES = {
    "one": Waterfall(names=["start"], values=[0.7], kinds=["k"]),
    "zero": Waterfall(names=["a", "b"], values=[0, 0], kinds=["k", "k"], reference=[0, 0], highlight=[1]),
    "unknown": Waterfall(names=["a", "b"], values=[NAN, -INF], kinds=["k", "k"]),
    "odd": ODD,
}


@pytest.fixture
def extremes(make_ladder):
    sixty = make_ladder(29, path="model.decoder.layers.{}.self_attn.out_proj")
    return EXTREMES | {"sixty": sixty, "blocked": make_ladder(5, blocked=3)}


def bars(axes):
    return {round(patch.get_y() + patch.get_height() / 2): patch for patch in axes.patches if type(patch) is Rectangle}


def written(axes):
    return [text.get_text() for text in axes.texts]


def test_bars_are_where_the_sum_says_and_have_the_colour_of_their_kind(infos):
    info = infos["waterfall"]
    found = bars(render(info).axes[0])
    ends = np.array([[found[row].get_x(), found[row].get_x() + found[row].get_width()] for row in range(10)])
    np.testing.assert_allclose(ends, info.running, atol=1e-12)
    place = [info.categories.index(kind) for kind in info.kinds]
    faces = np.array([to_rgb(found[row].get_facecolor()) for row in range(10)])
    np.testing.assert_allclose(faces, categorical(4)[place] / 255)


def test_first_bar_on_top_and_numbers_beside_the_bars(infos):
    axes = render(infos["waterfall"]).axes[0]
    assert axes.yaxis_inverted()
    assert [tick.get_text() for tick in axes.get_yticklabels()][:3] == ["loss", "layers.4", "layers.4 tanh"]
    expected = "0.40 +0.20 −0.50 +0.20 −0.50 +0.20 −3.00 +0.20 −0.50 −3.30"
    assert written(axes) == expected.split()
    assert [text.get_fontweight() for text in axes.texts] == ["bold", *["normal"] * 8, "bold"]


def test_legend_has_the_kinds_in_order_and_the_reference(infos):
    info = infos["waterfall"]
    texts = [text.get_text() for text in render(info).axes[0].get_legend().get_texts()]
    assert texts == ["residual", "weight gain", "activation gate", "total", "reference"]
    assert len(render(replace(info, reference=None)).axes[0].get_legend().get_texts()) == 4


def test_references_point_at_the_normal_ends(infos):
    info = infos["waterfall"]
    (line,) = [line for line in render(info).axes[0].lines if line.get_label() == "reference"]
    np.testing.assert_array_equal(line.get_xdata(), info.normal)
    assert (line.get_ydata() > np.arange(10)).all()
    assert (line.get_ydata() < np.arange(10) + 0.5).all()


def test_the_marked_bar_is_hatched_outlined_and_has_a_bold_name(infos):
    axes = render(infos["waterfall"], theme="dark").axes[0]
    assert [row for row, bar in bars(axes).items() if bar.get_hatch()] == [6]
    assert to_rgb(bars(axes)[6].get_edgecolor()) == to_rgb(THEMES["dark"].text)
    assert [label.get_fontweight() for label in axes.get_yticklabels()] == ["normal"] * 6 + ["bold"] + ["normal"] * 3


def test_hairlines_join_the_end_of_a_bar_with_the_next(infos):
    info = infos["waterfall"]
    (lines,) = render(info).axes[0].collections
    segments = np.array(lines.get_segments())
    np.testing.assert_array_equal(segments[:, 0, 0], info.ends[:-1])
    assert (segments[:, 0, 0] == segments[:, 1, 0]).all()
    assert (np.floor(segments[:, 0, 1]) == np.arange(9)).all()


def test_a_blocked_bar_is_an_arrow_to_the_frame_and_the_rest_is_unknown(make_ladder):
    info = make_ladder(3, blocked=2)
    axes = render(info).axes[0]
    assert written(axes) == ["0.40", "+0.20", "−0.50", "+0.20", "blocked", "–", "–", "−∞"]
    low = axes.get_xlim()[0]
    heads = [patch.get_xy() for patch in axes.patches if isinstance(patch, Polygon)]
    assert [head[:, 0].min() for head in heads] == [low, low]
    assert [round(head[:, 1].mean()) for head in heads] == [4, 7]
    assert sorted(bars(axes)) == [0, 1, 2, 3, 4, 7]


@pytest.mark.parametrize("name", ["one", "zero", "unknown", "odd", "sixty", "blocked"])
def test_every_text_is_inside_and_on_no_other(extremes, name):
    info = extremes[name]
    figure = render(info)
    figure.canvas.draw()
    axes, paper = figure.axes[0], figure.bbox
    names = [label.get_window_extent() for label in axes.get_yticklabels()]
    numbers = [text.get_window_extent() for text in axes.texts]
    headings = figure.findobj(
        lambda item: isinstance(item, Text) and item.get_text() in {info.title, info.label} - {""}
    )
    assert len(headings) == bool(info.title) + bool(info.label)
    others = [*headings, axes.get_legend()]
    for box in [*names, *numbers, *(item.get_window_extent() for item in others)]:
        assert box.x0 >= paper.x0 - 1
        assert box.x1 <= paper.x1 + 1
        assert box.y0 >= paper.y0 - 1
        assert box.y1 <= paper.y1 + 1
    frame, legend = axes.get_window_extent(), axes.get_legend().get_window_extent()
    assert max(box.x1 for box in names) <= frame.x0
    assert min(box.x0 for box in numbers) >= frame.x0 - 1
    assert max(box.x1 for box in numbers) <= legend.x0
    assert all(above.y0 >= below.y1 for above, below in pairwise(names))


@pytest.mark.parametrize("dpi", [90, 100, 110, 150])
def test_every_number_and_dash_has_ink(dpi):
    info = Waterfall(names=list("abcdef"), values=[1, NAN, 2, -INF, NAN, 1], kinds=["k"] * 6, totals=[0, 0, 0, 0, 1, 0])
    figure = render(info)
    figure.set_dpi(dpi)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[::-1, :, :3].min(axis=2)
    for text in figure.axes[0].texts:
        x0, y0, x1, y1 = text.get_window_extent().extents.astype(int)
        assert pixels[y0:y1, x0 : x1 + 1].min() < 160


def test_the_figure_grows_with_its_rows(make_ladder):
    heights = [render(make_ladder(layers)).get_size_inches()[1] for layers in (10, 20, 29)]
    assert np.allclose(np.diff(heights), 0.27 * 2 * np.array([10, 9]))


def test_foreign_text_is_no_formula():
    axes = render(ODD).axes[0]
    texts = [*axes.get_yticklabels(), *axes.get_legend().get_texts(), axes.xaxis.label]
    assert not any(text.get_parse_math() for text in texts)
    assert axes.get_yticklabels()[0].get_text() == "$x_1$ Σ∂ℓ → é"
    assert axes.get_title(loc="left") == "Ünïcode $a$"
