"""Outcomes of the study of geometry as cells, curves and claims: what its chapters have in common."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from math import isfinite, nan
from typing import Any

import numpy as np

from inscape.plotting import Lines, Series, Table
from inscape.results import Figure, Section
from inscape.runs import Outcome
from inscape.studies._intervals import Mean, around, mean

Rows = list[dict[str, Any]]
"""Values of one cell, one a seed."""

Cells = dict[tuple[Any, ...], Rows]
"""Options → values."""

WORDS = {"relu": "ReLU", "gelu": "GELU", "silu": "SiLU", "default": "torch's default", "rescaled": "scaled to the data"}
"""Names of options as a reader knows them, where they differ."""

BANDS = "Means over seeds; the bands are their 95 % intervals."


REVERSED = "no, the reverse"

NEEDED = 30
"""Effective samples below which a hyperplane counts as unsupported."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A relation that is expected, and what was found of it.

    Attributes:
        relation: one sentence.
        measured: the number that it is judged by, with its interval.
        seen: ``"yes"``, ``"no, the reverse"``, ``"no"``, ``"not clear"`` or ``"not measured"``.
    """

    relation: str
    measured: str
    seen: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A chapter and the claims that it judges."""

    section: Section
    claims: Sequence[Claim] = ()


def named(option: str) -> str:
    """An option as a reader knows it.

    Args:
        option: its value.

    Returns:
        The words.
    """
    return WORDS.get(option, option)


def cells(outcomes: Sequence[Outcome], part: str, *names: str) -> Cells:
    """Values of one part, by options.

    Args:
        outcomes: all outcomes; those without a value are left out.
        part: the part.
        names: options that make a cell; None where a task does not have one.

    Returns:
        The cells, in the order of the tasks.
    """
    found: Cells = {}
    for outcome in outcomes:
        if outcome.done and outcome.options["part"] == part:
            found.setdefault(tuple(outcome.options.get(name) for name in names), []).append(outcome.value)
    return found


def at(rows: Rows, name: str, place: int = -1) -> list[float]:
    """One number a seed out of lists.

    Args:
        rows: the seeds.
        name: a list of each.
        place: place in the list.

    Returns:
        The numbers; what is not defined is left out.
    """
    found = [row[name][place] for row in rows if -len(row[name]) <= place < len(row[name])]
    return [float(value) for value in found if value is not None]


def one(rows: Rows, name: str) -> list[float]:
    """One number a seed.

    Args:
        rows: the seeds.
        name: a number of each.

    Returns:
        The numbers; what is not defined is left out.
    """
    return [float(row[name]) for row in rows if row[name] is not None]


def growth(rows: Rows, name: str) -> Mean:
    """Last less first of a list, over the seeds.

    Args:
        rows: the seeds.
        name: a list of each.

    Returns:
        The mean difference.
    """
    pairs = [(row[name][0], row[name][-1]) for row in rows if row[name]]
    return mean([last - first for first, last in pairs if first is not None and last is not None])


def curve(x: Sequence[float], lists: Iterable[Sequence[float | None]], name: str, *, geometric: bool = False) -> Series:
    """Mean of lists, place by place, with its interval.

    Args:
        x: positions.
        lists: one a seed; a shorter one ends earlier, as that of a training that diverged.
        name: text in the legend.
        geometric: means and intervals of logarithms; numbers that are not positive are left out.

    Returns:
        The curve, NaN where no seed has a value.
    """
    points = []
    for column in zip_longest(*lists):
        values = [v for v in column if v is not None and (v > 0 or not geometric)]
        found = around(values, geometric=geometric) if values else None
        points.append((nan, nan, nan) if found is None else (found.value, found.low, found.high))
    y, low, high = np.array(points).reshape(-1, 3)[: len(x)].T
    return Series(x=np.array(x[: len(y)], dtype=np.float64), y=y, low=low, high=high, name=name)


def level(x: Sequence[float], y: np.ndarray | float, name: str) -> Series:
    """A reference line.

    Args:
        x: positions.
        y: values, or one for all.
        name: text in the legend.

    Returns:
        The curve.
    """
    return Series(x=np.array(x, dtype=np.float64), y=np.broadcast_to(np.array(y, dtype=np.float64), len(x)), name=name)


def drawn(
    name: str,
    series: Sequence[Series],
    *,
    xlabel: str,
    ylabel: str,
    title: str,
    caption: str = "",
    logx: bool = False,
    logy: bool = False,
) -> list[Figure]:
    """A figure of the curves that hold a number.

    Args:
        name: file stem.
        series: the curves.
        xlabel: name and unit of the first axis.
        ylabel: name and unit of the second axis.
        title: a few words above the figure.
        caption: what is seen.
        logx: logarithmic first axis.
        logy: logarithmic second axis.

    Returns:
        The figure, or nothing if no curve holds a number.
    """
    kept = tuple(part for part in series if np.isfinite(part.y).any())
    if not kept:
        return []
    info = Lines(series=kept, xlabel=xlabel, ylabel=ylabel, title=title, logx=logx, logy=logy)
    return [Figure(name=name, info=info, caption=f"{caption} {BANDS}".strip())]


def judged(relation: str, found: Mean, *, sign: int, unit: str = "") -> Claim:
    """Judge a difference by its interval.

    Args:
        relation: what is expected.
        found: the difference.
        sign: 1 if it should be positive, -1 if negative.
        unit: written behind the number.

    Returns:
        The claim.
    """
    text = f"{signed(found)} {unit}".strip()
    if not isfinite(found.value):
        return Claim(relation=relation, measured="–", seen="not measured")
    if found.value == 0 and not found.half > 0:
        return Claim(relation=relation, measured=text, seen="no")
    if not abs(found.value) > found.half:
        return Claim(relation=relation, measured=text, seen="not clear")
    return Claim(relation=relation, measured=text, seen="yes" if found.value * sign > 0 else REVERSED)


def signed(found: Mean) -> str:
    """A difference with its sign.

    Args:
        found: the difference.

    Returns:
        Text.
    """
    return f"+{found}" if found.value > 0 else str(found)


def times(found: Mean, factor: float) -> Mean:
    """A mean in another unit.

    Args:
        found: the mean.
        factor: what it is multiplied by.

    Returns:
        The mean.
    """
    return Mean(value=factor * found.value, half=abs(factor) * found.half, count=found.count)


def listed(words: Sequence[str]) -> str:
    """Words in a sentence.

    Args:
        words: one or more.

    Returns:
        ``"a"``, ``"a and b"`` or ``"a, b and c"``.
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def empty(key: str, title: str) -> Part:
    """A chapter without a value.

    Args:
        key: its anchor.
        title: its heading.

    Returns:
        The chapter, with a note.
    """
    return Part(section=Section(key=key, title=title, notes=["No network of this part has a value."]))


def near(relation: str, found: Mean, *, target: float, within: float, unit: str = "") -> Claim:
    """Judge whether a number is close to another.

    Args:
        relation: what is expected.
        found: the number.
        target: what it should be.
        within: how far it may lie off, with its interval.
        unit: written behind the number.

    Returns:
        The claim.
    """
    off, half = abs(found.value - target), found.half if isfinite(found.half) else 0.0
    if not isfinite(off):
        return Claim(relation=relation, measured="–", seen="not measured")
    seen = "yes" if off + half < within else "no" if off - half > within else "not clear"
    return Claim(relation=relation, measured=f"{found} {unit}".strip(), seen=seen)


def finished(part: Part) -> Section:
    """A chapter with the table of its claims in front of its other tables.

    Args:
        part: the chapter and its claims.

    Returns:
        The chapter.
    """
    if not part.claims:
        return part.section
    table = Table(
        columns={
            "relation": [claim.relation for claim in part.claims],
            "measured": [claim.measured for claim in part.claims],
            "seen here": [claim.seen for claim in part.claims],
        },
        caption="What is expected, the number that it is judged by, and whether its 95 % interval lies on that side.",
    )
    return replace(part.section, tables=[table, *part.section.tables])


def summary(parts: Sequence[Part]) -> Section:
    """What came of the claims of all chapters.

    Args:
        parts: the chapters.

    Returns:
        The first chapter of the page.
    """
    kept = [part for part in parts if part.claims]
    rows = [[claim.seen for claim in part.claims] for part in kept]
    seen, against = [row.count("yes") for row in rows], [row.count("no") + row.count(REVERSED) for row in rows]
    left = [len(row) - yes - no for row, yes, no in zip(rows, seen, against, strict=True)]
    total = sum(map(len, rows))
    table = Table(
        columns={
            "chapter": [part.section.title for part in kept],
            "relations": [len(row) for row in rows],
            "seen": seen,
            "not seen or reversed": against,
            "not clear": left,
        }
    )
    failing = [claim for part in kept for claim in part.claims if claim.seen in {"no", REVERSED}]
    return Section(
        key="answers",
        title="What was seen",
        paragraphs=[
            "The study implements and measures the relations named in the abstract of van den Berg (2016): a unit "
            "learns from the samples in the region where its derivative is supported, the scale of the weights decides "
            "how many these are, and the error that goes back is a product over such regions.",
            f"Of {total} relations {sum(seen)} are seen in these networks, {sum(against)} are not or are reversed, and "
            f"{sum(left)} stay open. A relation counts as seen when the 95 % interval of its number over seeds lies on "
            "the expected side; each is judged by itself, so that of forty that do not hold about one looks seen.",
        ],
        tables=[table] if kept else [],
        notes=[f"Not seen: {claim.relation} ({claim.measured}; {claim.seen})." for claim in failing],
        numbers={
            "headline": {"relations": total, "seen": sum(seen), "not seen or reversed": sum(against)},
            "claims": [[claim.relation, claim.measured, claim.seen] for part in kept for claim in part.claims],
        },
    )
