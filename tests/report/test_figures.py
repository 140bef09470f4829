"""Figures of the page: waterfalls get a width, a height for their rows, and pictures as vectors."""

import json

import numpy as np
import pytest

from inscape.plotting import Heatmap, Waterfall
from inscape.report import write_sections
from inscape.report._figures import draw
from inscape.results import Figure, Section

NAMES = ["loss", *(f"model.layers.{i}.self_attn.out_proj" for i in range(9, 0, -1)), "first layer"]
BARS = Waterfall(
    names=NAMES,
    values=[0.4, -1.0, 0.5, -12.0, 0.5, -1.0, -np.inf, np.nan, 1.0, 2.0, np.nan],
    kinds=["residual", *["weight gain", "activation gate"] * 4, "input", "total"],
    totals=[name == "first layer" for name in NAMES],
    label="log gradient norm (nats)",
    title="Where the gradient goes",
    reference=[np.nan, *[-0.4] * 9, np.nan],
    highlight=[3, 6],
)


def test_a_waterfall_is_wide_and_as_high_as_its_rows(tmp_path):
    drawn = draw(Figure(name="budget", info=BARS, caption="Read it."), tmp_path, stem="budget")
    assert (drawn.layout, drawn.rows, drawn.ratio, drawn.key) == ("wide", 31 * 11, 0.0, "legend")
    assert drawn.entries == ("reference", "residual", "weight gain", "activation gate", "input", "total")
    assert drawn.files == (f"{tmp_path.name}/budget.png", f"{tmp_path.name}/budget.svg")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["budget.png", "budget.svg"]
    assert "height" not in json.loads(drawn.json)["layout"]


def test_other_figures_have_no_rows(tmp_path):
    info = Heatmap(values=[[0.0, 1.0]], low=(0, 0), high=(2, 1))
    drawn = draw(Figure(name="map", info=info, caption="Read it."), tmp_path, stem="map")
    assert (drawn.layout, drawn.rows, drawn.ratio, drawn.key) == ("", 0, 0.5, "bar")


OUTSIDE = """() => {
  const frame = document.querySelector('.plot .main-svg').getBoundingClientRect();
  return Array.from(document.querySelectorAll('.plot .main-svg text'))
    .map((e) => [e.textContent, e.getBoundingClientRect()])
    .filter(([, b]) => b.width && (b.left < frame.left - 1 || b.right > frame.right + 1 || b.top < frame.top - 1
      || b.bottom > frame.bottom + 1)).map(([text]) => text);
}"""
ROWS = """() => {
  const boxes = Array.from(document.querySelectorAll('.plot .ytick text'), (e) => e.getBoundingClientRect());
  const lowest = (query) => Math.max(...Array.from(document.querySelectorAll(query),
    (e) => e.getBoundingClientRect().bottom));
  return { count: boxes.length, apart: boxes.slice(1).every((b, i) => b.top >= boxes[i].bottom - 1),
    free: document.querySelector('.plot .legend').getBoundingClientRect().top >= lowest('.plot .xtitle') };
}"""


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_every_text_is_inside_and_rows_are_apart_in_a_browser(chromium, tmp_path, width):
    section = Section(
        key="gradients", title="Gradients", figures=[Figure(name="budget", info=BARS, caption="Read it.")]
    )
    path = write_sections([section], out=tmp_path / "out", title="Gradients", progress=False)
    tab = chromium.new_page(viewport={"width": 1280, "height": 900})
    messages = []
    tab.on("console", lambda message: messages.append(message.text))
    tab.on("pageerror", lambda error: messages.append(str(error)))
    tab.goto(path.as_uri())
    tab.evaluate("() => window.inscape.drawAll()")
    tab.set_viewport_size({"width": width, "height": 900})
    tab.wait_for_function("() => document.querySelector('.plot .main-svg').clientWidth <= innerWidth")
    tab.wait_for_function(f"() => {{ const rows = ({ROWS})(); return rows.free && rows.count === 11; }}")
    assert tab.evaluate(ROWS)["apart"]
    assert tab.evaluate(OUTSIDE) == []
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= width
    assert messages == []
    tab.close()
