"""The page of the study of capacity: outcomes in, figures and sentences out."""

from collections.abc import Sequence
from math import isnan
from typing import Any

import numpy as np

from inscape.plotting import Lines, Series, Table
from inscape.results import Figure, Section
from inscape.runs import Outcome
from inscape.studies._capacity import MOST, capacity, tasks
from inscape.studies._intervals import Mean, around, mean, power
from inscape.studies._study import Study

Groups = dict[tuple[int, int], list[dict[str, Any]]]
"""(depth, width) → values, one a seed."""


def sections(outcomes: Sequence[Outcome]) -> list[Section]:
    """Turn outcomes into the page.

    Args:
        outcomes: outcomes of :func:`inscape.studies._capacity.capacity`; failed ones are left out.

    Returns:
        The sections.
    """
    done = [outcome for outcome in outcomes if outcome.done]
    groups: Groups = {}
    for outcome in done:
        if outcome.options["network"] == "MLP":
            key = (int(outcome.options["depth"]), int(outcome.options["width"]))
            groups.setdefault(key, []).append(outcome.value)
    others = [outcome.value for outcome in done if outcome.options["network"] != "MLP"]
    groups = dict(sorted(groups.items()))
    if not groups:
        return [Section(key="regions", title="Regions", notes=["No MLP has a value, so there is nothing to compare."])]
    return [_regions(groups), _boundary(groups), _accuracy(groups), _table(groups, others)]


def _curves(groups: Groups, name: str, *, geometric: bool) -> list[Series]:
    """One curve a depth over width, with its interval."""
    made = []
    for depth in dict.fromkeys(depth for depth, _ in groups):
        kept = {width: [float(v[name]) for v in values] for (d, width), values in groups.items() if d == depth}
        points = [(width, around(values, geometric=geometric)) for width, values in kept.items()]
        made.append(
            Series(
                x=np.array([width for width, _ in points]),
                y=np.array([m.value for _, m in points]),
                low=np.array([m.low for _, m in points]),
                high=np.array([m.high for _, m in points]),
                name=f"{depth} hidden layer{'s' if depth > 1 else ''}",
            )
        )
    return made


def _over_width(groups: Groups, name: str, *, ylabel: str, title: str, log: bool, caption: str) -> Figure:
    lines = Lines(
        series=tuple(_curves(groups, name, geometric=log)),
        xlabel="width (units of each hidden layer)",
        ylabel=ylabel,
        title=title,
        logx=True,
        logy=log,
    )
    middle = "Geometric means" if log else "Means"
    bands = f"{middle} over seeds; the bands are their 95 % intervals."
    return Figure(name=name.replace("_", "-"), info=lines, caption=f"{caption} {bands}")


def _exponents(groups: Groups, name: str) -> dict[int, Mean]:
    """Depth → exponent of growth with width."""
    found = {}
    for depth in dict.fromkeys(depth for depth, _ in groups):
        pairs = [(width, v[name]) for (d, width), values in groups.items() if d == depth for v in values if v[name] > 0]
        found[depth] = power([width for width, _ in pairs], [value for _, value in pairs])
    return found


def _in_words(exponents: dict[int, Mean]) -> str:
    known = {depth: e for depth, e in exponents.items() if not isnan(e.value)}
    parts = [f"{e} with {depth} hidden layer{'s' if depth > 1 else ''}" for depth, e in known.items()]
    return ", ".join(parts) or "not determined, because there is one width only"


def _all(groups: Groups) -> list[dict[str, Any]]:
    return [value for values in groups.values() for value in values]


def _regions(groups: Groups) -> Section:
    everything = _all(groups)
    exponents, untrained = _exponents(groups, "cells"), _exponents(groups, "cells_untrained")
    ratio = around([value["cells"] / value["cells_untrained"] for value in everything], geometric=True)
    close = mean([value["predicted"] / value["cells"] for value in everything])
    return Section(
        key="regions",
        title="Linear regions",
        paragraphs=[
            f"{len(everything)} MLPs were trained on the digits data. Each was cut exactly on one and the same plane: "
            "through the mean of the training samples along their first two principal components, in the window that "
            "covers them. A region is a cell of this window in which no unit changes its state.",
            f"Fitted as a power of the width, the number of regions grows with the exponent {_in_words(exponents)}; "
            f"before training it was {_in_words(untrained)}. In a plane, lines in general position make a number of "
            "cells that grows with the square of their number (Zaslavsky 1975); Hanin and Rolnick (2019) expect the "
            "same of networks with random weights.",
            f"Training changed the number of regions on this plane by a factor of {ratio.value:.2f} (geometric mean; "
            f"95 % interval {ratio.low:.2f} to {ratio.high:.2f}). "
            f"The prediction from the density of the units' kinks gives {close} of the exact count.",
        ],
        figures=[
            _over_width(
                groups,
                "cells",
                ylabel="linear regions in the window",
                title="Regions after training",
                log=True,
                caption="Exact number of linear regions of trained networks.",
            ),
            _over_width(
                groups,
                "cells_untrained",
                ylabel="linear regions in the window",
                title="Regions before training",
                log=True,
                caption="The same networks at their initial weights.",
            ),
        ],
        notes=[_worth(everything)],
        numbers={
            "headline": {
                "networks": len(everything),
                "exponent of growth with width": _least_and_most(exponents),
                "regions, most": max(value["cells"] for value in everything),
            },
            "exponents": {str(depth): e.value for depth, e in exponents.items()},
            "exponents_untrained": {str(depth): e.value for depth, e in untrained.items()},
            "training_ratio": ratio.value,
            "predicted_ratio": close.value,
        },
    )


def _worth(values: list[dict[str, Any]]) -> str:
    """What the counts are worth, in a sentence."""
    exact = sum(value["status"] == "exact" for value in values)
    limited = sum(value["status"] == "limit" for value in values)
    if exact == len(values):
        return f"All {exact} counts are exact: every decision was certain."
    text = f"{exact} of {len(values)} counts are exact in every decision"
    if limited:
        text += f"; {limited} stopped at {MOST:,} cells and are too low"
    if rest := len(values) - exact - limited:
        text += f"; {rest} {'is' if rest == 1 else 'are'} complete with some decisions below the rounding bound"
    return f"{text}."


def _least_and_most(exponents: dict[int, Mean]) -> str:
    values = [e.value for e in exponents.values() if not isnan(e.value)]
    if not values:
        return "not determined"
    low, high = min(values), max(values)
    return f"{low:.2f}" if high - low < 0.005 else f"{low:.2f} to {high:.2f}"


def _boundary(groups: Groups) -> Section:
    from scipy.stats import spearmanr

    everything = _all(groups)
    lengths = [value["boundary"] for value in everything]
    paragraphs = [
        "Length of the decision boundary between the ten classes in the same window, in units of the input space: one "
        "unit is the full range of one pixel.",
    ]
    numbers: dict[str, object] = {"headline": {"boundary, mean length": str(mean(lengths))}}
    if len(set(lengths)) > 2:
        order: Any = spearmanr(lengths, [value["test_accuracy"] for value in everything])
        numbers["rank_correlation"] = float(order.statistic)
        paragraphs.append(
            f"Over all {len(everything)} networks the rank correlation (Spearman) of boundary length and test accuracy "
            f"is {order.statistic:.2f} (p = {order.pvalue:.2g}); networks of one shape differ by their seed only."
        )
    figure = _over_width(
        groups,
        "boundary",
        ylabel="length of the boundary (input units)",
        title="Decision boundary",
        log=False,
        caption="Total length of the decision boundary in the window.",
    )
    return Section(key="boundary", title="Decision boundary", paragraphs=paragraphs, figures=[figure], numbers=numbers)


def _accuracy(groups: Groups) -> Section:
    best = max(groups, key=lambda key: mean([value["test_accuracy"] for value in groups[key]]).value)
    top = mean([100 * value["test_accuracy"] for value in groups[best]])
    gap = mean([100 * (value["train_accuracy"] - value["test_accuracy"]) for value in _all(groups)])
    figure = _over_width(
        groups,
        "test_accuracy",
        ylabel="accuracy on held-out samples",
        title="Accuracy",
        log=False,
        caption="Share of held-out samples that are classified rightly.",
    )
    return Section(
        key="accuracy",
        title="Accuracy",
        paragraphs=[
            f"The best mean is {top} %, with {best[0]} hidden layer{'s' if best[0] > 1 else ''} of {best[1]} units. "
            f"Over all networks, accuracy on the training samples is higher by {gap} percentage points."
        ],
        figures=[figure],
        numbers={"headline": {"best accuracy": f"{top.value:.1f} %"}, "best": {"depth": best[0], "width": best[1]}},
    )


def _table(groups: Groups, others: list[dict[str, Any]]) -> Section:
    rows = [(f"MLP, {depth} × {width}", values) for (depth, width), values in groups.items()]
    rows += [("small conv net (MNIST)", others)] if others else []

    def column(name: str) -> list[str]:
        return [str(mean([value[name] for value in values])) for _, values in rows]

    columns = {
        "network": [name for name, _ in rows],
        "seeds": [len(values) for _, values in rows],
        "units": [values[0]["units"] for _, values in rows],
        "regions": column("cells"),
        "before training": column("cells_untrained"),
        "predicted": column("predicted"),
        "boundary length": column("boundary"),
        "test accuracy": column("test_accuracy"),
        "exact counts": [sum(value["status"] == "exact" for value in values) for _, values in rows],
    }
    notes = ["Means over seeds ± half the width of the 95 % interval (Student's t)."]
    if others:
        notes.append("The conv net stands beside the MLPs: other data and another plane, so its rows do not compare.")
    return Section(
        key="table", title="All networks", tables=[Table(columns=columns)], notes=notes, numbers={"rows": len(rows)}
    )


STUDY = Study(
    name="capacity",
    title="Capacity: regions, boundary and accuracy",
    question="How do linear regions, decision boundary and accuracy grow with the width and the depth of a network?",
    function=capacity,
    tasks=tasks,
    sections=sections,
)
