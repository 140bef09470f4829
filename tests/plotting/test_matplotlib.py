"""The matplotlib renderer: what is in the figure, and that nothing covers or clips it."""

import io

import matplotlib as mpl
import numpy as np
import pytest

from inscape.plotting import Heatmap, Markers, render
from inscape.plotting._theme import categorical, colours_of


def pixels(figure):
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())


def test_nothing_is_clipped(info):
    figure = render(info)
    figure.canvas.draw()
    needed, paper = figure.get_tightbbox(), figure.bbox_inches
    assert needed.x0 >= paper.x0 - 0.02
    assert needed.y0 >= paper.y0 - 0.02
    assert needed.x1 <= paper.x1 + 0.02
    assert needed.y1 <= paper.y1 + 0.02


def test_the_legend_covers_no_data(info):
    figure = render(info)
    figure.canvas.draw()
    axes = figure.axes[0]
    legend = axes.get_legend()
    if legend is None:
        assert not getattr(info, "lines", ())
        return
    assert not legend.get_window_extent().overlaps(axes.get_window_extent())


def test_no_global_state_is_touched(info):
    import matplotlib.pyplot as plt

    before, opened = dict(mpl.rcParams), plt.get_fignums()
    render(info, theme="dark").savefig(io.BytesIO(), format="svg")
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == opened


@pytest.mark.parametrize("name", ["cells", "many"])
def test_cells_have_the_colour_of_their_class(infos, name):
    info = infos[name]
    figure = render(info)
    image = pixels(figure)
    sites = np.random.default_rng(0).random((len(info.values), 2))
    middle = np.array([info.points[i:j].mean(0) for i, j in zip(info.offsets[:-1], info.offsets[1:], strict=True)])
    x, y = figure.axes[0].transData.transform(middle if name == "cells" else sites).T
    seen = image[(len(image) - y).astype(int), x.astype(int), :3].astype(int)
    close = np.abs(seen - colours_of(info).astype(int)).max(1) <= 2
    assert close.mean() > (0.9 if name == "cells" else 0.75)  # the rest lies under lines, names and borders


def test_labels_and_legend(infos):
    axes = render(infos["cells"]).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title(loc="left")) == ("x (mm)", "y (mm)", "A map")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [*"abcdefghij", "boundary"]
    assert axes.get_legend().get_title().get_text() == "class"
    assert axes.get_aspect() == 1.0
    assert [text.get_text() for text in axes.texts] == ["one", "two"]


def test_colour_bar_carries_the_label_and_shows_clipped_ends():
    info = Heatmap(values=[[0, 1, 2, 3]], low=(0, 0), high=(4, 1), vmin=1, vmax=2, label="margin (nats)", equal=False)
    figure = render(info)
    bar = figure.axes[1]
    assert bar.get_ylabel() == "margin (nats)"
    assert bar.get_ylim() == (1, 2)
    assert figure.axes[0].get_aspect() == "auto"


def test_large_maps_are_one_image(infos):
    small, large = render(infos["cells"]).axes[0], render(infos["many"]).axes[0]
    assert (len(small.images), len(large.images)) == (0, 1)
    assert not [c for c in large.collections if len(c.get_paths()) > 2]


def test_curves_carry_their_numbers(infos):
    info = infos["lines"]
    axes = render(info).axes[0]
    assert axes.get_yscale() == "log"
    for line, series in zip(axes.get_lines(), info.series, strict=True):
        assert np.array_equal(line.get_ydata(), series.y)
    assert len(axes.collections) == 2


def test_tables_show_every_cell(infos):
    (table,) = render(infos["table"]).axes[0].tables
    texts = {position: cell.get_text().get_text() for position, cell in table.get_celld().items()}
    assert texts == {
        (0, 0): "layer", (0, 1): "units", (1, 0): "first", (1, 1): "64", (2, 0): "<b>", (2, 1): "12\u202f345",
    }  # fmt: skip


@pytest.mark.parametrize(("theme", "bright"), [("light", True), ("dark", False)])
def test_paper_follows_the_theme(infos, theme, bright):
    corner = pixels(render(infos["lines"], theme=theme))[2, 2, :3]
    assert (corner.mean() > 128) == bright


def test_many_classes_fit_beside_the_map():
    info = Heatmap(
        values=np.arange(50)[None].repeat(50, axis=0),
        low=(0, 0),
        high=(1, 1),
        categorical=True,
        names=tuple(f"class {i}" for i in range(50)),
    )
    figure = render(info)
    figure.canvas.draw()
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert texts[-1] == "and 18 more"
    assert len(texts) == 33


def test_markers_without_names_or_classes(infos):
    info = Heatmap(values=[[0.0, 1.0]], low=(0, 0), high=(2, 1), markers=(Markers(points=[(0.5, 0.5)]),))
    assert not render(info).axes[0].texts


def test_marker_colours_are_those_of_the_categories(infos):
    faces = render(infos["cells"]).axes[0].collections[-1].get_facecolors()[:, :3]
    assert np.allclose(faces, categorical(10)[[0, 9]] / 255)
