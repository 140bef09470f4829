"""Films: number of frames, colours that keep still, and a page that plays offline."""

import json
import re

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import binary_dilation, label

from inscape._errors import InputError, OutputError
from inscape.plotting import Lines, PolygonMap, Polyline, Series, save_animation
from inscape.plotting._theme import categorical

NAMES = ("left", "right")


def split(at, title=""):
    """A square cut in two at x = ``at``; at 0 and 1 there is one class only."""
    pairs = [((0, 0), (at, 0), (at, 1), (0, 1)), ((at, 0), (1, 0), (1, 1), (at, 1))]
    kept = [k for k, corners in enumerate(pairs) if corners[0] != corners[1]]
    line = [(at, 0), (at, 1)] if len(kept) == 2 else np.zeros((0, 2))
    return PolygonMap(
        points=np.array([corner for k in kept for corner in pairs[k]], dtype=float),
        offsets=4 * np.arange(len(kept) + 1),
        values=np.array(kept),
        categorical=True,
        names=NAMES,
        all_names=True,
        label="class",
        lines=(Polyline(points=line, name="boundary"),),
        low=(0, 0),
        high=(1, 1),
        title=title or f"cut at {at:g}",
    )


FRAMES = [split(at) for at in (0.0, 0.25, 0.5, 0.75, 1.0)]


def pictures(path):
    with Image.open(path) as film:
        found = []
        for i in range(film.n_frames):
            film.seek(i)
            found.append(np.asarray(film.convert("RGB")).astype(int))
    return found


def test_gif_has_every_frame_at_one_size_for_its_time(tmp_path):
    path = save_animation(FRAMES, tmp_path / "film.gif", seconds=0.25, dpi=60)
    with Image.open(path) as film:
        assert film.n_frames == 5
        assert film.info["duration"] == 250
        assert film.info["loop"] == 0
    assert len({picture.shape for picture in pictures(path)}) == 1


def test_axes_legend_and_colours_keep_still(tmp_path):
    shown = pictures(save_animation([split(at, "cut") for at in (0.0, 0.5, 1.0)], tmp_path / "film.gif", dpi=60))
    blue, orange = categorical(2).astype(int)
    near = [[np.abs(picture - colour).max(2) <= 6 for colour in (blue, orange)] for picture in shown]
    parts, _ = label(near[0][1])
    square = binary_dilation(parts == np.bincount(parts.ravel())[1:].argmax() + 1, iterations=3)
    differing = np.abs(shown[0] - shown[2]).max(2) > 0
    assert differing[square].mean() > 0.8
    assert not differing[~square].any()
    left, right = near[1][0].sum(), near[1][1].sum()
    assert left == pytest.approx(right, rel=0.1)
    assert near[0][1].sum() > 15 * near[0][0].sum() > 0  # the legend shows the class that does not occur


def test_frames_of_different_size_are_padded(tmp_path):
    curve = Lines(series=(Series(x=[0, 1], y=[0, 1]),))
    shown = pictures(save_animation([split(0.5), curve], tmp_path / "film.gif", dpi=50))
    assert shown[0].shape == shown[1].shape
    assert (shown[0][-1, -1] > 240).all()


def page_of(tmp_path, **options):
    captions = [{"step": i, "text": f"<b>&{i}</script>"} for i in range(5)]
    given = {"captions": captions, "title": "Two <halves>", "dpi": 50} | options
    return save_animation(FRAMES, tmp_path / "film.html", **given)


def test_page_holds_all_it_shows(tmp_path):
    text = page_of(tmp_path).read_text(encoding="utf-8")
    assert not re.findall(r"(?:src|href)=\"(?!data:)", text)
    assert "http" not in text
    assert "$" not in re.sub(r"\$\{(?!width)", "", text)  # every name was filled in
    film = json.loads(re.search(r'<script type="application/json" id="film">(.*?)</script>', text, re.S)[1])
    assert len(film["frames"]) == len(set(film["frames"])) == 5
    assert film["captions"][2] == {"step": "2", "text": "<b>&2</script>"}
    assert film["milliseconds"] == 400
    assert "Two &lt;halves&gt;" in text


def test_dark_page(tmp_path):
    from inscape.plotting._theme import THEMES

    assert f"background: {THEMES['dark'].background}" in page_of(tmp_path, theme="dark").read_text(encoding="utf-8")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1100, 390])
def test_page_plays_offline(chromium, tmp_path, width):
    tab = chromium.new_page(viewport={"width": width, "height": 900})
    messages, requests = [], []
    tab.on("console", lambda message: messages.append(message.text))
    tab.on("pageerror", lambda error: messages.append(str(error)))
    tab.on("request", lambda request: requests.append(request.url))
    tab.goto(page_of(tmp_path, seconds=0.05).as_uri())
    assert tab.text_content("#number") == "5 / 5"
    assert tab.evaluate("() => document.getElementById('frame').naturalWidth") > 100
    assert tab.text_content("#facts div:nth-child(2) dd") == "<b>&4</script>"
    tab.fill("#place", "1")
    assert (tab.text_content("#number"), tab.text_content("#facts dd")) == ("2 / 5", "1")
    sources = {tab.get_attribute("#frame", "src")}
    tab.click("#play")
    tab.wait_for_function("() => document.getElementById('number').textContent === '5 / 5'")
    tab.wait_for_function("() => document.getElementById('play').textContent === 'Play'")
    sources.add(tab.get_attribute("#frame", "src"))
    assert len(sources) == 2
    tab.focus("#place")
    tab.keyboard.press("ArrowLeft")
    assert tab.text_content("#number") == "4 / 5"
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= width
    assert messages == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    tab.close()


@pytest.mark.browser
def test_page_without_scripts_shows_the_last_frame(chromium, tmp_path):
    context = chromium.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(page_of(tmp_path).as_uri())
    assert tab.locator("#frame").bounding_box()["height"] > 100
    assert "the last of 5 frames" in tab.text_content("noscript")
    context.close()


@pytest.mark.parametrize(
    ("frames", "name", "options", "text"),
    [
        (FRAMES, "film.mp4", {}, ".gif or .html"),
        ([], "film.gif", {}, "one frame or more"),
        (FRAMES, "film.html", {"captions": [{}]}, "one for each of the 5 frames, got 1"),
        (FRAMES, "film.gif", {"seconds": 0.0}, "seconds ≥ 0.02"),
        (FRAMES, "film.gif", {"theme": "blue"}, "theme"),
    ],
)
def test_refusals(tmp_path, frames, name, options, text):
    with pytest.raises(InputError, match=text):
        save_animation(frames, tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        save_animation(FRAMES[:1], tmp_path / "none" / "film.gif", dpi=30)
