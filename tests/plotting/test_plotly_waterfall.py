"""Waterfalls in plotly: bars at their places, numbers, what the pointer tells, and sizes on a page."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from inscape.plotting import Waterfall, render, to_html_div
from inscape.plotting._plotly_waterfall import pointer_texts, rows_height
from inscape.plotting._theme import categorical, hexadecimal

NAN, INF = np.nan, np.inf
ATTACK = "<img src=x>$"


def plotly(info, **more):
    return render(info, backend="plotly", **more)


def bars(figure):
    """Lower and upper end, and colour, of each row that has a bar."""
    found = {}
    for trace in figure.data:
        if trace.type == "bar":
            colours = [trace.marker.color] * len(trace.y) if isinstance(trace.marker.color, str) else trace.marker.color
            for row, base, width, colour in zip(trace.y, trace.base, trace.x, colours, strict=True):
                found[int(row)] = (float(base), float(base + width), colour)
    return found


def named(figure, name):
    (trace,) = [trace for trace in figure.data if trace.name == name]
    return trace


def test_bars_are_where_the_sum_says_and_have_the_colour_of_their_kind(infos):
    info = infos["waterfall"]
    found = bars(plotly(info))
    assert sorted(found) == list(range(10))
    np.testing.assert_allclose([found[row][:2] for row in range(10)], info.running, atol=1e-12)
    colours = [hexadecimal(colour) for colour in categorical(4)]
    assert [found[row][2] for row in range(10)] == [colours[info.categories.index(kind)] for kind in info.kinds]


def test_first_bar_on_top_and_numbers_beside_the_bars(infos):
    figure = plotly(infos["waterfall"])
    low, high = figure.layout.yaxis.range
    assert low > high
    steps = ["+0.20", "−0.50", "+0.20", "−0.50", "+0.20", "−3.00", "+0.20", "−0.50"]
    assert [note.text for note in figure.layout.annotations] == ["<b>0.40</b>", *steps, "<b>−3.30</b>"]
    sides = [note.xanchor for note in figure.layout.annotations]
    assert sides == ["left"] + ["left", "right"] * 4 + ["right"]


def test_legend_has_the_kinds_in_order_and_the_reference(infos):
    info = infos["waterfall"]
    figure = plotly(info)
    entries = [trace.name for trace in sorted(figure.data, key=lambda t: t.legendrank or 0) if trace.showlegend]
    assert entries == ["residual", "weight gain", "activation gate", "total", "reference"]
    np.testing.assert_array_equal(named(figure, "reference").x, info.normal)
    assert figure.layout.legend.itemclick is False
    assert not any(trace.name == "reference" for trace in plotly(replace(info, reference=None)).data)


def test_the_marked_bar_is_hatched_outlined_and_has_a_bold_name(infos):
    figure = plotly(infos["waterfall"])
    (marked,) = [trace for trace in figure.data if trace.type == "bar" and trace.marker.pattern.shape]
    assert list(marked.y) == [6]
    assert marked.marker.line.width > 1
    assert [row for row, name in enumerate(figure.layout.yaxis.ticktext) if name.startswith("<b>")] == [6]


def test_hatching_is_dark_on_light_colours_and_light_on_dark_ones():
    info = Waterfall(names=list("abcdefgh"), values=[1] * 8, kinds=list("abcdefgh"), highlight=range(8))
    traces = [trace for trace in plotly(info).data if trace.type == "bar" and trace.marker.pattern.shape]
    inks = {trace.marker.color: trace.marker.pattern.fgcolor for trace in traces}
    assert (inks["#ddcc77"], inks["#332288"], inks["#0072b2"]) == ("#101418", "#ffffff", "#ffffff")


def test_a_blocked_bar_is_an_arrow_to_the_frame_and_the_rest_is_unknown(make_ladder):
    figure = plotly(make_ladder(3, blocked=2))
    texts = [re.sub("<.?b>", "", note.text) for note in figure.layout.annotations]
    assert texts == ["0.40", "+0.20", "−0.50", "+0.20", "blocked", "–", "–", "−∞"]
    low = figure.layout.xaxis.range[0]
    heads = [trace for trace in figure.data if trace.type == "scatter" and trace.fill == "toself"]
    assert [(min(trace.x), trace.y[0]) for trace in heads] == [(low, 4), (low, 7)]
    known = [row for row, (base, _, _) in bars(figure).items() if np.isfinite(base)]
    assert sorted(known) == [0, 1, 2, 3, 4, 7]
    assert "Infinity" not in figure.to_json()


def test_the_pointer_tells_the_numbers_of_its_row(infos):
    info = infos["waterfall"]
    assert pointer_texts(info)[6] == (
        "<b>layers.2 tanh</b><br>activation gate<br>change: −3.00<br>total: −3.00<br>reference: −0.30<br>"
        "units: 6<br>share: 0.6667"
    )
    assert pointer_texts(info)[0].startswith("<b>loss</b><br>residual<br>total: 0.40<br>units: 0")
    (trace,) = [trace for trace in plotly(info).data if trace.hovertext]
    assert tuple(trace.hovertext) == pointer_texts(info)
    assert np.isfinite(trace.x).all()


def test_rows_without_a_place_tell_what_is_known():
    info = Waterfall(names=["a", "b", "c"], values=[1.0, -INF, 2.0], kinds=["k"] * 3, reference=[1.0, NAN, 0.5])
    assert pointer_texts(info)[1] == "<b>b</b><br>k<br>change: −∞<br>total: −∞"
    assert pointer_texts(info)[2] == "<b>c</b><br>k<br>change: +2.00<br>total: −∞<br>reference: +0.50"
    (trace,) = [trace for trace in plotly(info).data if trace.hovertext]
    assert np.isfinite(trace.x).all()


def test_foreign_text_is_neither_a_tag_nor_a_formula():
    info = Waterfall(
        names=[ATTACK], values=[1.0], kinds=[ATTACK], label=ATTACK, title="<img>",
        hover={ATTACK: [ATTACK]},
    )  # fmt: skip
    text = json.dumps(plotly(info).to_plotly_json(), default=str)
    assert "<img" not in text
    assert "$" not in text


@pytest.mark.parametrize("layers", [0, 29])
def test_the_box_on_the_page_grows_with_the_rows(make_ladder, layers):
    info = make_ladder(layers) if layers else Waterfall(names=["a"], values=[1], kinds=["k"])
    assert rows_height(info) == 25 * max(len(info.names), 2)
    piece = to_html_div(info)
    assert int(re.search(r"height:calc\((\d+)px", piece)[1]) >= rows_height(info) + 70
    assert json.loads(plotly(info).to_json())["layout"]["height"] > rows_height(info)


def test_rows_are_higher_where_names_take_two_lines(make_ladder):
    info = make_ladder(3, path="encoder.layers.{}.self_attention")
    assert rows_height(info) == 31 * len(info.names)
    assert "encoder.layers.3.<br>self_attention" in plotly(info).layout.yaxis.ticktext


def test_sixty_rows_stay_small_on_the_page(make_ladder):
    assert len(to_html_div(make_ladder(29))) < 60_000
