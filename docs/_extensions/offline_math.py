"""Formulas as inline SVG, drawn by matplotlib: the pages need no network, and follow the colour of the text."""

import re
from html import escape
from typing import Any

from docutils import nodes
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

SIZE = 16.0
LETTERS = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C"}
SPELLINGS = {
    **dict.fromkeys(("lVert", "rVert"), r"\|"),
    **dict.fromkeys(("lvert", "rvert"), "|"),
    **dict.fromkeys(("bigl", "bigr", "Bigl", "Bigr"), ""),
    "tfrac": r"\frac",
    "ge": r"\geq",
    "le": r"\leq",
}
"""Commands that matplotlib does not know, in its own words."""


def draw(formula: str) -> str:
    """SVG of a formula in matplotlib's part of LaTeX; code in HTML if it does not know a command."""
    text = re.sub(r"\\([A-Za-z]+)", lambda found: SPELLINGS.get(found[1], found[0]), " ".join(formula.split()))
    font = FontProperties(family="serif", math_fontfamily="cm", size=SIZE)
    try:
        width, height, depth, *_ = MathTextParser("path").parse(f"${text}$", dpi=72, prop=font)
    except ValueError:
        return f"<code>{escape(formula)}</code>"
    shape = TextPath((0, 0), f"${text}$", prop=font)
    strokes = []
    for points, code in shape.iter_segments(curves=True):
        pairs = points.reshape(-1, 2)
        strokes.append(
            "Z" if code == Path.CLOSEPOLY else LETTERS[code] + " ".join(f"{x:.2f},{-y:.2f}" for x, y in pairs)
        )
    return (
        f'<svg role="img" aria-label="{escape(formula, quote=True)}" fill="currentColor" '
        f'viewBox="0 {-(height - depth) - 1:.2f} {width:.2f} {height + 2:.2f}" '
        f'style="width:{width / SIZE:.3f}em;height:{(height + 2) / SIZE:.3f}em;'
        f'vertical-align:{-(depth + 1) / SIZE:.3f}em"><path d="{"".join(strokes)}"/></svg>'
    )


def inline(translator: HTML5Translator, node: nodes.math) -> None:
    """Draw a formula inside a sentence."""
    translator.body.append(draw(node.astext()))
    raise nodes.SkipNode


def block(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Draw a formula on its own line."""
    translator.body.append(f'<p class="formula" style="text-align:center">{draw(node.astext())}</p>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer."""
    app.add_html_math_renderer("offline", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
