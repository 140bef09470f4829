"""From info to figure, file and page."""

import html
import re
from inspect import unwrap

import numpy as np
import pytest
from PIL import Image

from inscape._errors import InputError, InputTypeError, OutputError
from inscape.plotting import FIGURE_CSS, Table, render, save_figure, to_html_div


def test_unknown_backend_theme_and_kind_are_named(infos):
    with pytest.raises(InputError, match="'matplotlib' or 'plotly', got 'vtk'"):
        render(infos["lines"], backend="vtk")
    with pytest.raises(InputError, match="light, dark, auto, got 'blue'"):
        render(infos["lines"], theme="blue")
    with pytest.raises(InputTypeError, match=r"got ndarray; try result.info\(\)"):
        unwrap(render)(np.zeros(3))


@pytest.mark.parametrize("suffix", [".PNG", ".svg"])
def test_files_hold_the_figure(info, tmp_path, suffix):
    path = save_figure(info, tmp_path / f"figure{suffix}")
    content = path.read_bytes()
    if suffix == ".svg":
        assert content.lstrip().startswith(b"<?xml")
    else:
        with Image.open(path) as image:
            assert min(image.size) > 100
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_cells_of_large_maps_are_one_image_in_an_svg(infos, tmp_path):
    texts = {name: save_figure(infos[name], tmp_path / f"{name}.svg").read_text() for name in ("cells", "many")}
    assert "<image" in texts["many"]
    assert "<image" not in texts["cells"]
    assert texts["cells"].count("<path") > 200
    assert len(texts["many"]) < 2_000_000


def test_a_matplotlib_figure_can_be_saved(infos, tmp_path):
    assert save_figure(render(infos["table"], theme="dark"), tmp_path / "t.png").is_file()
    with pytest.raises(InputTypeError, match="got list"):
        save_figure([1], tmp_path / "t.png")


def test_other_formats_are_refused(infos, tmp_path):
    with pytest.raises(InputError, match=r"\.png or \.svg, got 'figure\.pdf'"):
        save_figure(infos["table"], "figure.pdf")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named_and_the_old_file_stays(infos, tmp_path, monkeypatch):
    with pytest.raises(OutputError, match="choose another folder"):
        save_figure(infos["table"], tmp_path / "missing" / "t.png")
    old = tmp_path / "t.png"
    old.write_bytes(b"old")

    def fail(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OutputError, match="Permission denied"):
        save_figure(infos["table"], old)
    assert old.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.png"]


def test_the_same_figure_gives_the_same_piece_of_page(info):
    assert to_html_div(info) == to_html_div(info)


def test_pieces_bring_no_library_and_fetch_nothing(info):
    piece = to_html_div(info)
    assert len(piece) < 1_500_000
    assert not re.search(r'(src|href)="', piece)
    assert "cdn" not in piece


def test_ids_can_be_chosen_and_titles_are_escaped(infos):
    from dataclasses import replace

    piece = to_html_div(replace(infos["lines"], title="</script><b>"), div_id="mine")
    assert 'id="mine"' in piece
    assert "&lt;/script&gt;&lt;b&gt;" in piece
    assert "</script><b>" not in piece


def test_tables_become_html():
    assert to_html_div(Table(columns={"a": [1]})).startswith('<table class="inscape-table">')


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_every_kind_is_drawn_in_a_browser(infos, chromium, tmp_path, width):
    from plotly.offline import get_plotlyjs

    pieces = [to_html_div(item) for item in infos.values()]
    style = f"body {{ color: rgb(200, 210, 220); background: #111 }} {FIGURE_CSS}"
    script = f"<script>{get_plotlyjs()}</script>"
    page_text = f"<!doctype html><meta charset='utf-8'><style>{style}</style>{script}{''.join(pieces)}"
    path = tmp_path / "page.html"
    path.write_text(page_text, encoding="utf-8")
    page = chromium.new_page(viewport={"width": width, "height": 900})
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: troubles.append(request.url) if request.url.startswith("http") else None)
    page.goto(path.as_uri())
    drawn = "[...document.querySelectorAll('.js-plotly-plot')].filter(plot => plot.querySelector('.xtick')).length"
    page.wait_for_function(f"{drawn} === 7")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    plot = page.query_selector(".inscape-figure .nsewdrag").bounding_box()
    page.mouse.move(plot["x"] + 0.35 * plot["width"], plot["y"] + 0.3 * plot["height"])
    page.wait_for_selector(".hovertext")
    shown = html.unescape(page.text_content(".hovertext"))
    found = re.fullmatch(r"class: (.)area: 0\.\d+cell (\d+)at \(0\.3\d*, 0\.[67]\d*\)", shown)
    assert found
    assert found[1] == infos["cells"].names[infos["cells"].values[int(found[2])]]
    colour = page.evaluate("getComputedStyle(document.querySelector('.xtick text')).fill")
    assert colour == "rgb(200, 210, 220)"
    page.close()
    advice = ("willReadFrequently", "GL Driver Message")  # on the speed of plotly's surfaces in space
    assert [text for text in troubles if not any(words in text for words in advice)] == []
