"""The chapter of the study of geometry on depth: the vanishing gradient as nats a layer."""

from collections.abc import Sequence
from math import exp, isfinite

import numpy as np

from inscape.plotting import Table
from inscape.results import Figure, Section
from inscape.runs import Outcome
from inscape.studies._geometry_curves import (
    Cells,
    Claim,
    Part,
    Rows,
    cells,
    curve,
    drawn,
    empty,
    judged,
    level,
    listed,
    named,
    near,
)
from inscape.studies._geometry_measures import GAINS
from inscape.studies._intervals import Mean, mean

CLOSE = 0.1
"""Nats a layer by which a slope may lie off its reference."""

Slopes = dict[tuple[str, str], Mean]
"""(activation, initialisation) → nats a layer."""


def depth(outcomes: Sequence[Outcome]) -> Part:
    """The chapter.

    Args:
        outcomes: all outcomes of the study.

    Returns:
        The chapter.
    """
    found = cells(outcomes, "depth", "activation", "initialisation", "depth")
    pairs = list(dict.fromkeys(key[:2] for key in found))
    slopes = {pair: slope({key[2]: rows for key, rows in found.items() if key[:2] == pair}) for pair in pairs}
    if not found:
        return empty("depth", "Depth and the vanishing gradient")
    known = [value.value for value in slopes.values() if isfinite(value.value)]
    section = Section(
        key="depth",
        title="Depth and the vanishing gradient",
        paragraphs=[
            "Untrained MLPs of equal width, on all training samples of the digits data. The change is the logarithm of "
            "what the error is multiplied by from the output to the first layer; it is the sum of the weights' gains "
            "and of the activations' gates. Fitted as a line over the depth it has a slope in nats a layer, one for "
            "each seed.",
            "The reference is what one more layer adds where pre-activations are small and weights independent of the "
            "error: the activation's reference gate, −1.386, 0 or −0.347 nats, and the gain of the weights, "
            f"½ ln(n var w): {listed([f'{_signed(gain)} ({named(start)})' for start, gain in GAINS.items()])}.",
            *_slopes_in_words(found, slopes),
        ],
        figures=_figures(found),
        tables=[_table(found, slopes)],
        numbers={
            "headline": {"steepest loss, nats a layer": round(min(known), 3)} if known else {},
            "slopes": {f"{a}, {start}": found.value for (a, start), found in slopes.items()},
        },
    )
    return Part(section=section, claims=_claims(found, slopes))


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−").replace("+0.000", "0")


def _slopes_in_words(found: Cells, slopes: Slopes) -> list[str]:
    known = [pair for pair in slopes if isfinite(slopes[pair].value)]
    if not known:
        return ["There is one depth only, so that slopes are not determined."]
    worst = min(known, key=lambda pair: slopes[pair].value)
    words = [
        f"The steepest loss is that of {named(worst[0])} with {named(worst[1])} weights, {slopes[worst]} nats a layer: "
        f"each layer multiplies the error by {exp(slopes[worst].value):.2g}."
    ]
    for pair in known:
        rows = _rows_of(found, pair)
        expected = reference(rows, pair[1])
        if abs(slopes[pair].value - expected) > CLOSE:
            words.append(
                f"{named(pair[0])} with {named(pair[1])} weights changes by {slopes[pair]} nats a layer and not by "
                f"{_signed(expected)}: the mean gate is {_middle(rows, 'gates')} where the reference is "
                f"{_signed(float(rows[0]['references'][0]))}, the mean gain {_middle(rows, 'gains')} where it is "
                f"{_signed(GAINS[pair[1]])}."
            )
    return words


def slope(by_depth: dict[int, Rows]) -> Mean:
    """Nats a layer: the slope of the change over the depth by least squares, one for each seed.

    Args:
        by_depth: hidden layers → seeds.

    Returns:
        The mean slope; NaN if there is one depth only, or the error is lost on the way.
    """
    count = min((len(rows) for rows in by_depth.values()), default=0)
    if len(by_depth) < 2:
        return mean([])
    depths, found = list(by_depth), []
    for seed in range(count):
        changes = [by_depth[d][seed]["change"] for d in depths]
        known = [(d, change) for d, change in zip(depths, changes, strict=True) if change is not None]
        if len(known) > 1:
            x, y = np.array(known, dtype=np.float64).T
            found.append(float(np.polyfit(x, y, 1)[0]))
    return mean(found)


def reference(rows: Rows, start: str) -> float:
    """What one more layer should add.

    Args:
        rows: seeds of a cell.
        start: the initialisation.

    Returns:
        Nats a layer.
    """
    return float(rows[0]["references"][0]) + GAINS[start]


def _rows_of(found: Cells, pair: tuple[str, str]) -> Rows:
    return [row for key, rows in found.items() if key[:2] == pair for row in rows]


def _claims(found: Cells, slopes: Slopes) -> list[Claim]:
    made = []
    for (activation, start), value in slopes.items():
        words = f"{named(activation)} with {named(start)} weights"
        target = reference(_rows_of(found, (activation, start)), start)
        if target < -CLOSE:
            made.append(judged(f"{words}: the gradient vanishes with depth", value, sign=-1, unit="nats a layer"))
        relation = f"{words}: the slope is within {CLOSE} of its reference, {_signed(target)}"
        made.append(near(relation, value, target=target, within=CLOSE, unit="nats a layer"))
    return made


def _figures(found: Cells) -> list[Figure]:
    made = []
    for activation in dict.fromkeys(key[0] for key in found):
        series = []
        for start in GAINS:
            kept = {key[2]: rows for key, rows in found.items() if key[:2] == (activation, start)}
            if kept:
                columns = [[row["change"] for row in rows] for rows in kept.values()]
                series.append(curve(list(kept), list(zip(*_filled(columns), strict=True)), named(start)))
                expected = reference(next(iter(kept.values())), start)
                middle = np.array(list(kept), dtype=np.float64)
                line = series[-1].y[0] + expected * (middle - middle[0])
                series.append(level(list(kept), line, f"{named(start)}, reference"))
        made += drawn(
            f"change-{activation}",
            series,
            xlabel="hidden layers",
            ylabel="change of the error (nats)",
            title=f"The error from the output to the first layer, {named(activation)}",
            caption="Each reference begins at the shallowest network.",
        )
    return made


def _filled(columns: list[list[float | None]]) -> list[list[float | None]]:
    """Columns of one length; a seed without a value is left out by None."""
    most = max(map(len, columns))
    return [[*column, *[None] * (most - len(column))] for column in columns]


def _middle(rows: Rows, name: str) -> str:
    """Mean of a quantity over the layers between hidden ones; the output's weight is another shape."""
    values = []
    for row in rows:
        kept = row[name] if name == "gates" else row[name][:-1]
        known = [value for value in kept if value is not None]
        values += [sum(known) / len(known)] if known else []
    return str(mean(values)) if values else "–"


def _table(found: Cells, slopes: Slopes) -> Table:
    pairs = list(slopes)
    rows = [_rows_of(found, pair) for pair in pairs]
    return Table(
        columns={
            "activation": [named(activation) for activation, _ in pairs],
            "weights": [named(start) for _, start in pairs],
            "networks": [len(values) for values in rows],
            "nats a layer": [str(slopes[pair]) for pair in pairs],
            "reference": [
                f"{reference(v, pair[1]):.3f}".replace("-", "−") for v, pair in zip(rows, pairs, strict=True)
            ],
            "mean gate": [_middle(values, "gates") for values in rows],
            "mean gain": [_middle(values, "gains") for values in rows],
        },
        caption="Slopes over the depth: means over seeds ± half the width of the 95 % interval. Gates and gains: means "
        "over all networks of a row, whatever their depth.",
    )
