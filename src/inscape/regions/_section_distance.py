"""The page's chapter on distances: how far samples are from the decision boundary, between certified bounds."""

from dataclasses import replace
from math import isfinite
from time import perf_counter
from typing import Any

import numpy as np

from inscape._errors import UnsupportedLayerError
from inscape._rng import generator
from inscape.regions._distance import distance
from inscape.regions._distance_result import Distance, worth
from inscape.regions._views import names_of_classes
from inscape.results import Context, Figure, Section

_SAMPLES = 20
_SECONDS = 8.0
_SHOWN = 8
_FIRST = 1.0
_LEAST = 1e-3
_TITLE = "How far samples are from the decision boundary"


def section(context: Context) -> Section | None:
    """Distances of some samples to the decision boundary in the 2-norm, enclosed from both sides.

    Args:
        context: the page's context; its option ``"distance_samples"`` says how many samples are measured,
            ``"distance_seconds"`` how long that may take in all.

    Returns:
        The chapter; where the network is smooth inside, it says so in words. None without samples.
    """
    if context.x is None or not len(context.x):
        return None
    try:
        context.network.require_piecewise_linear()
    except UnsupportedLayerError as error:
        return Section(key="distance", title=_TITLE, notes=[f"There are no certified distances here: {error}."])
    most = int(str(context.options.get("distance_samples", _SAMPLES)))
    seconds = float(str(context.options.get("distance_seconds", _SECONDS)))
    kept = generator(context.seed).permutation(len(context.x))[:most]
    found = _measured(context.network, context.x[kept], seconds)
    kept = kept[: len(found.lower)]
    rows = _rows(context, kept, found)
    return Section(
        key="distance",
        title=_TITLE,
        paragraphs=[_PARAGRAPH, *_story(rows, found)],
        figures=_figures(found),
        tables=[_table(rows)],
        notes=_notes(found, seconds, left_out=min(most, len(context.x)) - len(kept)),
        numbers=_numbers(rows, found, seconds),
    )


_PARAGRAPH = (
    "How little must a sample change until the network names another class? The distance is measured in the whole "
    "input space, not on a plane, in the Euclidean norm. The upper bound is a point that was found, beyond which the "
    "class is another one. The lower bound is proven: within it the class is the same everywhere. Where both agree, "
    "the distance is known."
)


def _measured(network: Any, samples: Any, seconds: float) -> Distance:
    """Distances of as many samples as the time allows, at least of one; each gets its share of what is left."""
    distance(network, samples[:1], max_cells=1, timeout=_FIRST, progress=False)  # compiles kernels, outside of the time
    until = perf_counter() + seconds
    found: list[Distance] = []
    for i in range(len(samples)):
        left = until - perf_counter()
        if found and left <= 0:
            break
        share = max(left / (len(samples) - i), _LEAST)
        found.append(distance(network, samples[i : i + 1], timeout=share, progress=False))
    joined = {
        name: np.concatenate([getattr(one, name) for one in found])
        for name in ("points", "lower", "upper", "nearest", "pairs", "cells")
    }
    return replace(found[0], **joined, status=worth(joined["lower"], joined["upper"]))


def _rows(context: Context, kept: np.ndarray, found: Any) -> list[dict[str, Any]]:
    """One row for each sample, nearest to the boundary first."""
    names = names_of_classes(context, max(2, int(np.prod(context.network.output_shape))))
    labels = None if context.y is None or context.y.is_floating_point() else context.y[kept].tolist()
    order = np.lexsort((found.lower, found.upper))
    return [
        {
            "sample": int(kept[i]),
            "label": None if labels is None else _label(labels[i], names),
            "class": names[found.pairs[i, 0]] if found.pairs[i, 0] >= 0 else None,
            "becomes": names[found.pairs[i, 1]] if found.pairs[i, 1] >= 0 else None,
            "lower": float(found.lower[i]),
            "upper": float(found.upper[i]),
            "certified": bool(found.certified[i]),
        }
        for i in order.tolist()
    ]


def _label(label: int, names: tuple[str, ...]) -> str:
    return names[label] if 0 <= label < len(names) else str(label)


def _story(rows: list[dict[str, Any]], found: Any) -> list[str]:
    nearest = rows[0]
    if not isfinite(nearest["upper"]):
        return [
            f"Of {len(rows)} samples measured none has a boundary near: within a distance of "
            f"{_size(min(row['lower'] for row in rows))} there is none, and no point of it was found."
        ]
    known = (
        f"{nearest['upper']:.4g} (certified)"
        if nearest["certified"]
        else (f"at least {nearest['lower']:.4g} and at most {nearest['upper']:.4g}")
    )
    text = (
        f"{len(rows)} samples were measured; for {int(found.certified.sum())} of them both bounds agree. The nearest "
        f"to the boundary is sample {nearest['sample']}, taken for class {nearest['class']}: a change of length "
        f"{known} makes it class {nearest['becomes']}. Half of the samples are not farther than "
        f"{_middle(found.upper):.4g}, and half are not nearer than {_middle(found.lower):.4g}."
    )
    wrong = sum(row["label"] is not None and row["label"] != row["class"] for row in rows)
    if wrong:
        text += f" {wrong} of them {'is' if wrong == 1 else 'are'} taken for another class than the label says."
    return [text]


def _size(value: float) -> str:
    return "any size" if not isfinite(value) else f"{value:,.0f}" if value >= 1e4 else f"{value:.4g}"


def _middle(values: np.ndarray) -> float:
    """Median; infinite where the middle is."""
    ordered = np.sort(values)
    return float((ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2)


def _figures(found: Any) -> list[Figure]:
    if not np.isfinite(found.upper).any():
        return []
    caption = (
        "Samples in the order of their distance. The true curve runs inside the band: its upper edge is the nearest "
        "point found, its lower edge the certified bound. A band without width is a known distance."
    )
    info = replace(
        found.info(),
        title="Distances of the samples to the boundary",
        xlabel="share of the samples",
        ylabel="distance (input units)",
    )
    return [Figure(name="sorted", info=info, caption=caption)]


def _table(rows: list[dict[str, Any]]) -> Any:
    from inscape.plotting import Table

    shown = rows[:_SHOWN]
    columns: dict[str, list[object]] = {"sample": [row["sample"] for row in shown]}
    if shown[0]["label"] is not None:
        columns["label"] = [row["label"] for row in shown]
    columns |= {
        "taken for": [row["class"] for row in shown],
        "becomes": [row["becomes"] for row in shown],
        "distance at least": [row["lower"] for row in shown],
        "distance at most": [row["upper"] for row in shown],
        "bounds agree": [row["certified"] for row in shown],
    }
    return Table(columns=columns, caption=f"The {len(shown)} samples that are nearest to the boundary (input units).")


def _notes(found: Any, seconds: float, *, left_out: int) -> list[str]:
    notes = ["The nearest point may be anywhere in input space: it need not look like data, nor stay in their range."]
    if left_out:
        notes.append(
            f"{left_out} more samples were to be measured, but the time of this page ({seconds:g} s) was over."
        )
    open_ones = len(found.lower) - int(found.certified.sum())
    if open_ones:
        notes.append(
            f"For {open_ones} of {len(found.lower)} samples the time of this page ({seconds:g} s for all) was not "
            "enough to bring the bounds together. Both hold all the same; inscape regions distance --timeout gives "
            "more time."
        )
    return notes


def _numbers(rows: list[dict[str, Any]], found: Any, seconds: float) -> dict[str, object]:
    numbers: dict[str, object] = {
        "norm": found.norm,
        "status": str(found.status),
        "certified": int(found.certified.sum()),
        "seconds": seconds,
        "samples": rows,
    }
    low, high = _middle(found.lower), _middle(found.upper)
    if isfinite(high):
        same = f"{low:.3g}" == f"{high:.3g}"
        numbers["headline"] = {"median distance to the boundary": f"{low:.3g}" if same else f"{low:.3g} to {high:.3g}"}
    return numbers
