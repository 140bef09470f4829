"""Tables as HTML, and how a value is written."""

from html import escape
from typing import Any

import numpy as np

from inscape.plotting._info import Table


def is_number(value: Any) -> bool:
    """Whether a value is written as a number, or not at all."""
    return value is None or (isinstance(value, int | float | np.number) and not isinstance(value, bool))


def cell_text(value: Any) -> str:
    r"""Write a value for a reader.

    Args:
        value: any object.

    Returns:
        Its text: whole numbers from 10 000 on with thin spaces, other numbers to four digits.

    Example:
        >>> [cell_text(v) for v in (79783, 0.123456, True, None, "Linear")]
        ['79\u202f783', '0.1235', 'yes', '–', 'Linear']
    """
    if value is None:
        return "–"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{value:,}".replace(",", "\u202f") if abs(value) >= 10_000 else str(value)
    if isinstance(value, float | np.floating):
        return "–" if np.isnan(value) else f"{value:.4g}"
    return str(value)


def table_html(table: Table) -> str:
    """Write a table as HTML; every text is escaped.

    Args:
        table: the table.

    Returns:
        One ``<table class="inscape-table">`` element; cells of number columns have the class ``number``.

    Example:
        >>> html = table_html(Table(columns={"a<b": ["x & y"]}))
        >>> '<th scope="col">a&lt;b</th>' in html, "<td>x &amp; y</td>" in html
        (True, True)
    """
    marks = [' class="number"' if all(map(is_number, values)) else "" for values in table.columns.values()]
    head = "".join(
        f'<th scope="col"{mark}>{escape(name)}</th>' for name, mark in zip(table.columns, marks, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(f"<td{mark}>{escape(cell_text(v))}</td>" for v, mark in zip(row, marks, strict=True)) + "</tr>"
        for row in zip(*table.columns.values(), strict=True)
    )
    caption = f"<caption>{escape(table.caption)}</caption>" if table.caption else ""
    return f'<table class="inscape-table">{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
