"""The page as text: structure, escaping, anchors, and the limit of its size."""

import json
import re
from html.parser import HTMLParser

import pytest

from inscape.plotting import Table
from inscape.report._figures import Drawn, embedded
from inscape.report._page import Chapter, Part, compose, within_limit
from inscape.results import Section

HOSTILE = "</script><script>alert(1)</script>&\"'<!--"


def drawn(name: str, size: int = 10) -> Drawn:
    return Drawn(
        id=name,
        title="Title.",
        caption="Caption.",
        alt="Alt.",
        layout="wide",
        ratio=0.5,
        key="bar",
        entries=(),
        json=embedded({"data": ["x" * size], "layout": {}}),
        files=(f"figures/{name}.png",),
    )


def part(key: str, *figures: Drawn, text: str = "Words.") -> Part:
    table = Table(columns={"layer": ["a", text], "units": [1, 20_000]}, caption=text)
    section = Section(key="network", title=text, paragraphs=[text], tables=[table], notes=[text, text])
    return Part(key=key, name=f"Part {key}", chapters=(Chapter(section=section, figures=figures),), tiles={text: 1234})


def page(*parts: Part, title: str = "The title") -> str:
    return compose(parts, title=title, subtitle="Sub.", created="1 May 2030")


class Reader(HTMLParser):
    """Collects tags, headings, ids and links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.open.append(tag)

    def handle_data(self, data):
        if self.open and self.open[-1] not in {"script", "style"}:
            self.text.append(data)

    def named(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in names]


def test_one_network_has_no_part_heading():
    reader = Reader(page(part("net", drawn("f"))))
    levels = [tag for tag, _ in reader.tags if re.fullmatch(r"h\d", tag)]
    assert levels == ["h1", "h2"]


def test_headings_go_down_one_level_at_a_time():
    reader = Reader(page(part("a", drawn("a-f")), part("b", drawn("b-f"))))
    levels = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch(r"h\d", tag)]
    assert levels == [1, 2, 3, 2, 3]


def test_anchors_and_ids_are_unique_and_meet():
    reader = Reader(page(part("a", drawn("a-f")), part("b", drawn("b-f"))))
    ids = [attributes["id"] for _, attributes in reader.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    anchors = {a["href"][1:] for a in reader.named("a") if (a["href"] or "").startswith("#")}
    assert anchors <= set(ids)
    assert {"a", "a-network", "b", "b-network", "main"} <= anchors
    assert {a["aria-labelledby"] for a in reader.named("section")} <= set(ids)


def test_accessible_frame():
    text = page(part("a", drawn("f")))
    reader = Reader(text)
    assert text.lstrip().startswith("<!doctype html>")
    assert reader.named("html")[0]["lang"] == "en"
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in reader.named("meta")
    assert "<title>The title</title>" in text
    assert all(image["alt"] for image in reader.named("img"))
    assert all(div["aria-label"] for div in reader.named("div") if div.get("role") == "img")
    assert all(cell["scope"] == "col" for cell in reader.named("th"))


def test_every_text_is_escaped():
    text = page(part("a", drawn("f"), text=HOSTILE), title=HOSTILE)
    assert "<script>alert" not in text
    assert "".join(Reader(text).text).count("alert(1)") >= 6


def test_figure_data_cannot_leave_its_script():
    found = embedded({"name": HOSTILE, "line": "\u2028"})
    assert not set("<>&\u2028") & set(found)
    assert json.loads(found) == {"name": HOSTILE, "line": "\u2028"}


def test_the_page_asks_no_network():
    reader = Reader(page(part("a", drawn("f"))))
    for _, attributes in reader.tags:
        for key in ("src", "href"):
            value = attributes.get(key) or ""
            assert not re.match(r"(https?:)?//", value)
    policy = next(m["content"] for m in reader.named("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    assert not reader.named("link")[1:]


def test_numbers_stand_right_and_texts_left():
    text = page(part("a", drawn("f")))
    assert '<td class="n">20,000</td>' in text
    assert "<td>a</td>" in text
    assert "<dd>1,234</dd>" in text


def test_the_heaviest_figures_become_still_pictures():
    heavy, light = drawn("heavy", 3000), drawn("light", 1000)
    kept = within_limit([part("a", light, heavy)], limit=6_000_000 + 2000)
    figures = {figure.id: figure for chapter in kept[0].chapters for figure in chapter.figures}
    assert figures["light"] == light
    assert figures["heavy"].json == ""
    assert "still picture" in figures["heavy"].caption
    assert '<img src="figures/heavy.png"' in page(*kept)


@pytest.mark.parametrize("limit", [6_000_000 + 10_000, 15_000_000])
def test_a_small_page_is_left_alone(limit):
    parts = [part("a", drawn("x", 3000), drawn("y", 1000))]
    assert within_limit(parts, limit=limit) == parts
