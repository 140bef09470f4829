"""The page in a real browser: quiet, offline, drawn, readable in both widths and themes, and on paper."""

import pytest

pytestmark = pytest.mark.browser
WIDTHS = {1280: 900, 390: 844}

DRAWN = """() => Array.from(document.querySelectorAll('.plot'), (div) => {
  const marks = Array.from(div.querySelectorAll('svg, canvas'), (e) => e.getBoundingClientRect());
  return { id: div.id, whole: marks.some((b) => b.width > 100 && b.height > 100),
           traces: (div.data || []).length, inside: div.getBoundingClientRect().right <= innerWidth };
})"""
CLIPPED = """() => Array.from(document.querySelectorAll('h1, h2, h3, p, figcaption, li, dd, dt, .theme'))
  .filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline')
  .map((e) => e.textContent)"""
CONTRAST = """() => {
  const channel = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = (css) => { const [r, g, b] = css.match(/[\\d.]+/g).map(Number);
    return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b); };
  const paper = (e) => { while (e) { const c = getComputedStyle(e).backgroundColor;
    if (!/^rgba\\(.*, 0\\)$/.test(c)) return c; e = e.parentElement; } return 'rgb(255, 255, 255)'; };
  return Array.from(document.querySelectorAll('p, h1, h2, h3, td, th, figcaption, a, dt, dd, button'))
    .filter((e) => e.checkVisibility()).map((e) => { const a = light(getComputedStyle(e).color), b = light(paper(e));
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.tagName, e.textContent.slice(0, 40)]; })
    .filter(([ratio]) => ratio < 4.5);
}"""


@pytest.fixture
def visit(chromium, page):
    """Open the page and note every message and request."""
    opened = []

    def go(width: int = 1280, scheme: str = "light", **options):
        context = chromium.new_context(
            viewport={"width": width, "height": WIDTHS.get(width, 900)}, color_scheme=scheme, **options
        )
        opened.append(context)
        tab = context.new_page()
        tab.messages, tab.requests = [], []
        tab.on("console", lambda message: tab.messages.append(message.text))
        tab.on("pageerror", lambda error: tab.messages.append(str(error)))
        tab.on("request", lambda request: tab.requests.append(request.url))
        tab.goto(page.as_uri())
        return tab

    yield go
    for context in opened:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", list(WIDTHS))
def test_quiet_offline_drawn_and_inside(visit, width, scheme):
    tab = visit(width, scheme)
    tab.evaluate("() => window.inscape.drawAll()")
    figures = tab.evaluate(DRAWN)
    assert len(figures) >= 16
    assert [figure for figure in figures if not (figure["whole"] and figure["traces"] and figure["inside"])] == []
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= width
    assert tab.evaluate(CLIPPED) == []
    assert tab.evaluate(CONTRAST) == []
    assert tab.messages == []
    assert [url for url in tab.requests if not url.startswith(("file:", "data:", "blob:"))] == []


def test_figures_are_drawn_without_being_asked(visit):
    tab = visit()
    tab.wait_for_function("() => Array.from(document.querySelectorAll('.plot')).every((p) => p.querySelector('svg'))")
    assert tab.messages == []


def test_theme_button_turns_the_figures_too(visit):
    tab = visit(scheme="light")
    tab.evaluate("() => window.inscape.drawAll()")
    ink = "() => [getComputedStyle(document.body).color, document.querySelector('.plot').layout.font.color]"
    light = tab.evaluate(ink)
    assert tab.text_content(".theme") == "Dark theme"
    tab.click(".theme")
    tab.wait_for_function(f"() => document.querySelector('.plot').layout.font.color !== '{light[1]}'")
    dark = tab.evaluate(ink)
    assert dark[0] != light[0]
    assert tab.text_content(".theme") == "Light theme"
    tab.reload()
    assert tab.evaluate("() => getComputedStyle(document.body).color") == dark[0]


def test_pointer_tells_the_facts_of_a_region(visit):
    tab = visit()
    tab.evaluate("() => window.inscape.drawAll()")
    figure = tab.locator("figure.wide .plot").first
    figure.scroll_into_view_if_needed()
    box = figure.locator(".nsewdrag").first.bounding_box()
    tab.mouse.move(box["x"] + box["width"] / 2 - 3, box["y"] + box["height"] / 2)
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    text = figure.locator(".hoverlayer .hovertext").first.text_content()
    assert [word for word in ("class", "region", "area", "corners") if word not in text] == []


def test_contents_lead_to_every_section(visit):
    for width in WIDTHS:
        tab = visit(width)
        if not tab.locator(".toc details").get_attribute("open"):
            tab.evaluate("() => { document.querySelector('.toc details').open = true; }")
        link = tab.locator(".toc ol ol a").last
        target = link.get_attribute("href")
        link.click()
        tab.wait_for_function(
            f"() => Math.abs(document.querySelector('{target}').getBoundingClientRect().top) < innerHeight"
        )
        assert tab.evaluate("() => location.hash") == target


def test_paper_shows_every_figure_and_no_dark(visit):
    tab = visit(scheme="dark")
    tab.evaluate("() => window.inscape.drawAll()")
    tab.emulate_media(media="print", color_scheme="dark")
    tab.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    shown = tab.evaluate(
        "() => Array.from(document.querySelectorAll('figure'), (f) => Array.from(f.querySelectorAll('img, .plot'))"
        ".filter((e) => e.checkVisibility() && e.getBoundingClientRect().height > 100).length)"
    )
    assert shown == [1] * len(shown)
    assert tab.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_without_scripts_the_pictures_are_there(visit):
    tab = visit(java_script_enabled=False)
    pictures = tab.locator("figure img")
    assert pictures.count() >= 16
    assert all(pictures.nth(i).bounding_box()["height"] > 100 for i in range(0, pictures.count(), 5))


def test_resizing_keeps_everything_inside(visit):
    tab = visit(1280)
    tab.evaluate("() => window.inscape.drawAll()")
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.wait_for_function(
        "() => Array.from(document.querySelectorAll('.plot .main-svg')).every((s) => s.clientWidth <= 390)"
    )
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= 390
