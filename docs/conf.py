"""How the documentation is built: offline, with warnings as errors."""

import re
import sys
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "Inscape"
author = "The Inscape developers"
copyright = "2026, The Inscape developers"
version = release = installed("inscape")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "offline_math"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "offline"

html_theme = "furo"
html_title = f"Inscape {release}"
html_show_sphinx = False
templates_path = []
exclude_patterns = ["_build"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = [("Source", "notes_style")]
add_module_names = False
python_use_unqualified_type_names = True


def escape_plain_text(app: Sphinx, kind: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """In plain text, a shape such as ``(n, *shape)`` starts no emphasis, and ``|z|`` is no substitution."""
    literal: int | None = None
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if line.strip() and literal is not None and indent <= literal:
            literal = None
        if line.lstrip().startswith((".. math::", ">>>")):
            literal = indent - line.lstrip().startswith(">>>")
        if literal is None and line.strip():
            parts = re.split(r"(``.*?``|(?::\w+:)?`[^`]*`_?)", line)
            plain = [re.sub(r"(?<=[ (])\*(?=[a-z_]+[,)])|\|", r"\\\g<0>", part) for part in parts[::2]]
            parts[::2] = plain
            lines[number] = "".join(parts)


def setup(app: Sphinx) -> None:
    """Hook into the reading of docstrings."""
    app.connect("autodoc-process-docstring", escape_plain_text)
