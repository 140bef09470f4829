"""What the commands on regions have in common: files by their ending, facts as text or JSON."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inscape._errors import InputError

PICTURES = frozenset({".png", ".svg", ".html"})
"""Endings of pictures."""


def pair(text: str) -> tuple[int, int] | None:
    """Read two classes.

    Args:
        text: two numbers with a comma between, or nothing.

    Returns:
        The classes, or None.

    Raises:
        InputError: if the text is something else.
    """
    if not text:
        return None
    parts = text.split(",")
    if len(parts) != 2 or not all(part.strip().isdecimal() for part in parts):
        raise InputError(f"expected --between to be two classes such as 3,8, got {text!r}")
    return int(parts[0]), int(parts[1])


def check_ending(path: Path | None, known: frozenset[str] | set[str]) -> None:
    """Say before the work whether a file of this kind can be written.

    Args:
        path: the file to be, or None.
        known: endings that the command writes.

    Raises:
        InputError: if the ending is another one.
    """
    if path is not None and path.suffix not in known:
        raise InputError(f"expected -o to end in one of {', '.join(sorted(known))}, got {str(path)!r}")


def answer(title: str, facts: dict[str, object], found: Any, out: Path | None, *, as_json: bool) -> None:
    """Write the file that was asked for, and say what was found.

    Args:
        title: what the facts are about.
        facts: name → value; the file's name is added.
        found: the Result that is written.
        out: the file, or None.
        as_json: whether the answer is JSON.
    """
    if out is not None:
        write(found, out)
        facts["written"] = str(out)
    say(title, facts, as_json=as_json)


def say(title: str, facts: Mapping[str, object], *, as_json: bool) -> None:
    """Write facts to standard output.

    Args:
        title: what they are about.
        facts: name → value.
        as_json: whether they are written as JSON.
    """
    from inscape.cli._terminal import show_facts, write_json

    if as_json:
        write_json(facts)
    else:
        show_facts(title, facts)


def write(found: Any, path: Path) -> None:
    """Write a Result as a file, a table for other programs, or a picture.

    Args:
        found: the Result.
        path: the file; its ending says which.
    """
    if path.suffix == ".npz":
        found.save(path)
    elif path.suffix in {".csv", ".graphml", ".ine"}:
        from inscape.regions import export

        export(found, path)
    else:
        write_picture(found.info(), path)


def write_csv(columns: Mapping[str, Sequence[object]], path: Path) -> None:
    """Write a table as CSV.

    Args:
        columns: heading → values.
        path: the file.
    """
    import csv

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def write_picture(info: Any, path: Path) -> None:
    """Draw an info object into a file.

    Args:
        info: the info object.
        path: a picture, or a page of its own that can be pointed at.
    """
    from inscape.plotting import render, save_figure

    if path.suffix == ".html":
        render(info, backend="plotly").write_html(path, include_plotlyjs=True)
    else:
        save_figure(info, path)
