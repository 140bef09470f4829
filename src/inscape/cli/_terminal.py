"""What the commands write: tables and facts for people, JSON for machines."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any


def console() -> Any:
    """A rich console on standard output.

    Returns:
        The console; it writes plain text where standard output is no terminal.
    """
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def write_json(value: Mapping[str, object]) -> None:
    """Write one JSON object to standard output.

    Args:
        value: the object; numpy values, huge integers and NaN are turned into strict JSON.
    """
    from inscape.report._text import plain

    sys.stdout.write(json.dumps(plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def as_text(value: object) -> str:
    """Write one value as tables do.

    Args:
        value: anything.

    Returns:
        Text; numbers have four significant digits.
    """
    from inscape.report._text import number

    return number(value)


def show_facts(title: str, facts: Mapping[str, object]) -> None:
    """Write names and values, one pair a line.

    Args:
        title: what they are about.
        facts: name → value.
    """
    from rich.text import Text

    from inscape.report._text import number

    out = console()
    out.print(Text(title, style="bold"))
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        out.print(Text.assemble((f"  {name:<{width}}  ", "dim"), number(value)))


def show_table(title: str, columns: Mapping[str, Sequence[object]]) -> None:
    """Write a table.

    Args:
        title: what it shows.
        columns: heading → values.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from inscape.report._text import is_number, number

    table = Table(title=Text(title, style="bold"), box=SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for name, values in columns.items():
        right = any(is_number(value) for value in values)
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in zip(*columns.values(), strict=True):
        table.add_row(*(Text(number(value)) for value in row))
    console().print(table, soft_wrap=False)
