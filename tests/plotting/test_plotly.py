"""The plotly renderer: numbers under the pointer, size, escaping, legends."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from inscape.plotting import Heatmap, Lines, PolygonMap, Series, Table, rasterize, render
from inscape.plotting._hover import GRID
from inscape.plotting._theme import colours_of


def plotly(info, **more):
    return render(info, backend="plotly", **more)


def hover_of(figure):
    (trace,) = [trace for trace in figure.data if trace.type == "heatmap"]
    return trace


def picture(figure):
    (image,) = figure.layout.images
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(image.source.split(",")[1]))).convert("RGB"))[::-1]


def test_paper_is_transparent_and_nothing_is_inherited(info):
    layout = plotly(info).layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert layout.template.layout.to_plotly_json() == {}


def test_pointer_finds_the_cell(infos):
    info = infos["cells"]
    trace = hover_of(plotly(info))
    labels = rasterize(info, GRID)
    assert (np.asarray(trace.z) == labels).all()
    assert (np.asarray(trace.text) == np.array(info.names)[info.values[labels]]).all()
    assert np.allclose(np.asarray(trace.customdata)[..., 0], info.hover["area"][labels])
    assert trace.hovertemplate.startswith("class: <b>%{text}</b><br>area: %{customdata[0]:.4~g}<br>cell %{z:d}")
    assert (trace.x0, trace.dx) == (0.5 / GRID, 1 / GRID)


def test_pointer_finds_nothing_outside_the_cells():
    square = PolygonMap(
        points=[(0, 0), (1, 0), (1, 1), (0, 1)], offsets=[0, 4], values=[2.5], low=(0, 0), high=(2, 1), label="v"
    )
    z = np.asarray(hover_of(plotly(square)).z)
    assert np.isnan(z[:, GRID // 2 :]).all()
    assert (z[:, : GRID // 2] == 0).all()


def test_pointer_on_a_heat_map_reads_the_nearest_value():
    values = np.arange(300 * 200.0).reshape(300, 200)
    info = Heatmap(values=values, low=(0, 0), high=(2, 3), label="v", hover={"name": np.full(values.shape, "a&b")})
    trace = hover_of(plotly(info))
    numbers = np.asarray(trace.customdata)[..., 0]
    rows, columns = numbers.shape
    y = trace.y0 + trace.dy * np.arange(rows)
    x = trace.x0 + trace.dx * np.arange(columns)
    assert (numbers == values[np.ix_((y * 100).astype(int), (x * 100).astype(int))]).all()
    assert (np.asarray(trace.text) == "a&amp;b").all()


def test_several_texts_share_one_line():
    info = Heatmap(
        values=[[0, 1]],
        low=(0, 0),
        high=(2, 1),
        label="class",
        categorical=True,
        names=("a", "b"),
        hover={"truth": np.array([["c", "d"]])},
    )
    trace = hover_of(plotly(info))
    assert np.asarray(trace.text).tolist() == [["a · c", "b · d"]]
    assert trace.hovertemplate.count("%{text}") == 1


def test_categories_without_names_show_their_index():
    info = Heatmap(values=[[3, 4]], low=(0, 0), high=(2, 1), categorical=True)
    assert np.asarray(hover_of(plotly(info)).text).tolist() == [["3", "4"]]


@pytest.mark.parametrize("name", ["many", "numbers", "heat"])
def test_images_lie_on_the_window_in_the_right_colours(infos, name):
    info = infos[name]
    figure = plotly(info)
    (image,) = figure.layout.images
    assert (image.x, image.y) == (info.low[0], info.high[1])
    assert (image.sizex, image.sizey) == tuple(info.high - info.low)
    seen = picture(figure).astype(int)
    if isinstance(info, Heatmap):
        middle = colours_of(info)[20, 25]
        assert np.abs(seen[int(len(seen) * 20.5 / 40), int(seen.shape[1] * 25.5 / 50)] - middle).max() <= 3
        return
    labels = rasterize(info, max(seen.shape))[: len(seen), : seen.shape[1]]
    close = np.abs(seen - colours_of(info)[labels].astype(int)).max(-1) <= 8
    assert close.mean() > (0.5 if name == "many" else 0.9)  # the rest are borders between cells


def test_small_maps_have_one_trace_a_class_with_all_its_corners(infos):
    info = infos["cells"]
    figure = plotly(info)
    assert not figure.layout.images
    traces = [trace for trace in figure.data if trace.type == "scatter" and trace.fill == "toself"]
    assert len(traces) == 10
    corners = np.diff(info.offsets)
    for index, trace in enumerate(traces):
        assert np.isfinite(trace.x).sum() == corners[info.values == index].sum()
    assert {
        trace.name for trace in figure.data if trace.showlegend and trace.legendgroup.startswith("category")
    } == set(info.names)


def test_large_maps_stay_small_on_the_page(make_map):
    for categorical in (True, False):
        assert len(plotly(make_map(8_000, categorical=categorical)).to_json()) < 1_500_000


def test_images_that_compress_badly_get_smaller(monkeypatch, infos):
    from inscape.plotting import _plotly

    monkeypatch.setattr(_plotly, "IMAGE_BYTES", 1)
    assert max(picture(plotly(infos["many"])).shape) == _plotly.RASTERS[-1]


def test_foreign_text_is_escaped():
    attack = "<img src=x>"
    info = Heatmap(
        values=[[0, 1]],
        low=(0, 0),
        high=(2, 1),
        categorical=True,
        names=(attack, "b"),
        label=attack,
        xlabel=attack,
        ylabel=attack,
        title=attack,
    )
    curves = Lines(series=(Series(x=[1], y=[1], name=attack), Series(x=[1], y=[1])), xlabel=attack)
    table = Table(columns={attack: [attack]}, caption=attack)
    for figure in (plotly(info), plotly(curves), plotly(table)):
        assert "<img" not in json.dumps(figure.to_plotly_json(), default=str)


def test_planes_keep_their_proportions(infos):
    for name in ("cells", "heat"):
        assert plotly(infos[name]).layout.yaxis.scaleanchor == "x"
    free = Heatmap(values=[[0.0]], low=(0, 0), high=(1, 9), equal=False)
    assert plotly(free).layout.yaxis.scaleanchor is None


def test_a_class_can_be_hidden_only_where_it_is_a_trace(infos):
    assert plotly(infos["cells"]).layout.legend.itemclick is None
    assert plotly(infos["many"]).layout.legend.itemclick is False


def test_log_axes_leave_out_what_is_not_positive():
    series = Series(x=[0, 1, 10], y=[5, 0, 100], low=[1, 0, 50], high=[9, 1, 150], name="a")
    figure = plotly(Lines(series=(series,), logx=True, logy=True))
    band, curve = figure.data
    assert list(curve.x) == [1, 10]
    assert np.isnan(curve.y[0])
    assert curve.y[1] == 100
    assert list(band.x) == [10, 10]
    assert figure.layout.yaxis.type == "log"


def test_ticks_of_wide_log_axes_are_powers_of_ten():
    wide, narrow = (
        plotly(Lines(series=(Series(x=[1, 2], y=[1, top]),), logy=True)).layout.yaxis.dtick for top in (1000, 5)
    )
    assert (wide, narrow) == (1, None)


def test_title_grows_the_margin(infos):
    short = plotly(infos["lines"]).layout
    assert short.title.text == "Loss"
    assert plotly(infos["heat"]).layout.margin.t < short.margin.t


def test_tables(infos):
    (trace,) = plotly(infos["table"]).data
    assert [list(column) for column in trace.cells["values"]] == [["first", "&lt;b&gt;"], ["64", "12\u202f345"]]
    assert list(trace.cells.align) == ["left", "right"]


def test_themes_change_only_colours(infos):
    light, dark = (plotly(infos["lines"], theme=theme).to_json() for theme in ("light", "dark"))
    assert light != dark
    assert re.sub(r"#[0-9a-f]{6}", "", light) == re.sub(r"#[0-9a-f]{6}", "", dark)
