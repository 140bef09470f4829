"""Budgets as waterfalls."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, nan
from typing import Any

import numpy as np

from inscape.gradients._budget_result import Budget

_MOST = 40
"""Steps that are drawn singly; in deeper networks neighbours share a bar."""


@dataclass(frozen=True, kw_only=True)
class _Bar:
    name: str
    category: str
    value: float
    reference: float = nan
    sick: bool = False


def waterfall(budget: Budget, layer: int, *, sick: str | None = None) -> Any:
    """The sum that makes one layer's gradient, from the error at the output down.

    Args:
        budget: the budget.
        layer: place of the layer.
        sick: path of a layer whose bars are marked.

    Returns:
        An ``inscape.plotting.Waterfall``.
    """
    from inscape.plotting import Waterfall

    bars = _bars(budget, layer, sick)
    total = _Bar(name=f"gradient of {budget.layers[layer]}", category="total", value=nan)
    drawn = [*bars, total]
    references = np.array([bar.reference for bar in drawn])
    return Waterfall(
        names=[bar.name for bar in drawn],
        values=np.array([bar.value for bar in drawn]),
        kinds=[bar.category for bar in drawn],
        totals=np.array([False] * len(bars) + [True]),
        reference=references if np.isfinite(references).any() else None,
        highlight=[i for i, bar in enumerate(drawn) if bar.sick],
        hover={"factor": np.array([_factor(bar.value) for bar in drawn])},
        label="log of the gradient's norm (nats)",
        title=f"How the gradient of layer {budget.layers[layer]} comes about",
    )


def _factor(value: float) -> str:
    return "" if np.isnan(value) else f"× {np.exp(value):.3g}"


def _bars(budget: Budget, layer: int, sick: str | None) -> list[_Bar]:
    marked = (
        set() if sick is None else {c for c, own in zip(budget.calls, budget.call_layers, strict=True) if own == sick}
    )
    steps = int(budget.depths[layer])
    references = dict(zip(budget.names[:steps], budget.references[:steps], strict=True))
    bars = [
        _Bar(
            name=name,
            category=category,
            value=value,
            reference=float(references.get(name.rstrip(), nan)) if category == "activation gate" else nan,
            sick=name.rstrip() in marked,
        )
        for name, (category, value) in budget.terms(layer).items()
    ]
    return _merged(bars)


def _merged(bars: Sequence[_Bar]) -> list[_Bar]:
    """Neighbours in one bar, where there are too many; marked bars and those that block stay single."""
    middle = [i for i, bar in enumerate(bars) if bar.category not in {"residual", "input", "alignment", "coherence"}]
    if len(middle) <= _MOST:
        return list(bars)
    size = ceil(len(middle) / _MOST)
    made: list[_Bar] = []
    run: list[_Bar] = []
    for i, bar in enumerate(bars):
        single = i not in middle or bar.sick or not np.isfinite(bar.value)
        if single or len(run) == size:
            made += _joined(run)
            run = []
        if single:
            made.append(bar)
        else:
            run.append(bar)
    return made + _joined(run)


def _joined(run: Sequence[_Bar]) -> list[_Bar]:
    if len(run) < 2:
        return list(run)
    return [_Bar(name=f"{run[0].name} … {run[-1].name}", category="several steps", value=sum(bar.value for bar in run))]
