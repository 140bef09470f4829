"""The page's chapter on gradients: how the error comes back, layer by layer, and what is wrong with it."""

from collections.abc import Sequence
from dataclasses import replace
from math import exp, isfinite
from typing import Any

import numpy as np

from inscape._errors import InscapeError
from inscape.gradients._causes import Cause
from inscape.gradients._diagnosis import Diagnosis
from inscape.results import Context, Figure, Section

_SAMPLES = 1000

_PARAGRAPH = (
    "An error at the output reaches a layer through everything that lies between, and is multiplied by a factor at "
    "each step: a weight's gain, an activation's gate, a normalisation. In logarithms the factors are a sum, and the "
    "sum below is exact: it ends at the norm of the gradient that autograd gives. A factor of 10 is 2.30 nats."
)


def section(context: Context) -> Section | None:
    """Verdict, budget and layers of the context's model on its samples.

    Args:
        context: the page's context.

    Returns:
        The chapter, or None without labels or where the model has no layer that gradients are known of.
    """
    from inscape.gradients._contributions import contributions
    from inscape.gradients._diagnose import diagnose

    if context.x is None or context.y is None:
        return None
    x, y = context.x[:_SAMPLES], context.y[:_SAMPLES]
    try:
        found = diagnose(context.model, None, (x, y), progress=False)
    except InscapeError:
        return None
    made = chapter(found)
    try:
        carried = contributions(context.model, None, (x, y), progress=False)
    except InscapeError:  # batch statistics; the notes say so
        return made
    return replace(made, figures=[*made.figures, _carried(carried)])


def _carried(found: Any) -> Figure:
    largest = ", ".join(map(str, found.ranked(most=5).tolist()))
    return Figure(
        name="samples",
        info=found.info(which="lorenz"),
        caption=(
            "Which share of the samples carries which share of the gradients' norms: the further below the diagonal, "
            f"the fewer samples do the work. The largest gradients are those of the samples {largest}."
        ),
    )


def sections_of(diagnosis: Diagnosis) -> list[Section]:
    """A diagnosis as the sections of a page of its own.

    Args:
        diagnosis: what :func:`inscape.gradients.diagnose` gave.

    Returns:
        The sections, for ``inscape.report.write_sections``.
    """
    return [chapter(diagnosis)]


def chapter(found: Diagnosis) -> Section:
    """A diagnosis as a chapter.

    Args:
        found: the diagnosis.

    Returns:
        The chapter.
    """
    verdict, budget = found.verdict, found.budget
    figures = [_waterfall(found)]
    if len(budget.layers) > 1:
        figures.append(_layers_figure(found))
    return Section(
        key="gradients",
        title="Where the error goes",
        paragraphs=[f"{verdict.sentence} {_what_to_do(found)}", _PARAGRAPH, *_story(found)],
        figures=figures,
        tables=[_layer_table(budget), *_block_tables(budget)],
        notes=_notes(found),
        numbers={
            "headline": {"gradients": _short(found)},
            "cause": verdict.cause.name.lower(),
            "layer": verdict.layer,
            "change": _finite(verdict.before),
            "change_after": None if verdict.after is None else _finite(verdict.after),
            "residual": _finite(budget.residual),
            "log_gradient": dict(zip(budget.layers, map(_finite, budget.log_gradient.tolist()), strict=True)),
        },
    )


def _finite(value: float) -> float | None:
    return float(value) if isfinite(value) else None


def _short(found: Diagnosis) -> str:
    verdict = found.verdict
    if verdict.cause is Cause.NONE:
        return "nothing stands out"
    where = f" (layer {verdict.layer})" if verdict.layer else ""
    return f"{verdict.cause.name.lower().replace('_', ' ')}{where}"


def _what_to_do(found: Diagnosis) -> str:
    verdict = found.verdict
    if verdict.cause is Cause.NONE:
        return ""
    text = f"What to do: {verdict.suggestion[0].lower()}{verdict.suggestion[1:]}"
    if verdict.after is None or not isfinite(verdict.after):
        return text
    before = f"{verdict.before:+.1f} nats" if isfinite(verdict.before) else "a lost gradient"
    after = f"{verdict.after:+.1f} nats"
    return f"{text} On a copy of the network this takes the change to the first layer from {before} to {after}."


def _story(found: Diagnosis) -> list[str]:
    budget = found.budget
    text = (
        f"Measured on {budget.samples} samples, mean loss {budget.loss:.3g}. The error at the output has the root mean "
        f"square {exp(budget.residual):.3g} for single samples"
    )
    if isfinite(budget.chance) and isfinite(budget.residual):
        text += f", {exp(budget.residual - budget.chance):.2g} of what exchanged labels would give"
    steps = [budget.values[np.array(budget.categories) == kind].sum() for kind in _SUMMED]
    parts = [
        f"{kind}s {_signed(total)}" for kind, total in zip(_SUMMED, steps, strict=True) if isfinite(total) and total
    ]
    if parts:
        text += f". On the way to the first layer it changes by {', '.join(parts)} nats"
    coherent = budget.coherence[np.isfinite(budget.coherence)]
    if len(coherent):
        text += (
            f". Averaging over the samples leaves {exp(float(np.median(coherent))):.2g} of a single sample's gradient "
            f"in the median layer; as many random directions would leave {budget.samples**-0.5:.2g}"
        )
    return [f"{text}."]


_SUMMED = ("weight gain", "activation gate", "normalisation", "attention", "block", "other")


def _waterfall(found: Diagnosis) -> Figure:
    marked = " The bars of the layer that stands out are marked." if found.verdict.layer else ""
    return Figure(
        name="budget",
        info=found.info(),
        caption=(
            "From the error at the output (top) to the gradient of the first layer (bottom), in natural logarithms. "
            f"Ticks beside gates show what the activation takes where nothing is wrong.{marked}"
        ),
    )


def _layers_figure(found: Diagnosis) -> Figure:
    from inscape.plotting import Lines, Series

    budget = found.budget
    places = np.arange(1, len(budget.layers) + 1, dtype=np.float64)
    curves = {
        "mean gradient of the weight": budget.log_gradient,
        "single samples' gradients (root mean square)": budget.log_single,
        "gradient arriving at the layer": budget.arriving,
    }
    series = [
        Series(x=places, y=np.where(np.isfinite(values), np.exp(values), np.nan), name=name)
        for name, values in curves.items()
        if np.isfinite(values).any()
    ]
    info = Lines(
        series=tuple(series),
        xlabel="layer, from the input on",
        ylabel="norm",
        title="Gradients by layer",
        logy=True,
    )
    caption = (
        "The distance between single gradients and their mean is what samples lose by pulling in different directions."
    )
    return Figure(name="layers", info=info, caption=caption)


def _layer_table(budget: Any) -> Any:
    from inscape.plotting import Table

    def nats(values: np.ndarray) -> list[str]:
        return [
            f"{value:+.2f}" if isfinite(value) else "lost" if value == -np.inf else "–" for value in values.tolist()
        ]

    return Table(
        columns={
            "layer": list(budget.layers),
            "operation": list(budget.operations),
            "arriving": nats(budget.arriving),
            "input": nats(budget.inputs),
            "alignment": nats(budget.alignment),
            "coherence": nats(budget.coherence),
            "log gradient": nats(budget.log_gradient),
        },
        caption="What makes each layer's gradient, in nats: arriving + input + alignment + coherence = log gradient.",
    )


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _block_tables(budget: Any) -> list[Any]:
    from inscape.plotting import Table

    if not budget.blocks:
        return []
    blocks, branches, shares = zip(*budget.blocks, strict=True)
    return [
        Table(
            columns={"block": list(blocks), "branch": list(branches), "share": [f"{share:.1%}" for share in shares]},
            caption="Which branch the gradient below a block comes from; the shares of a block sum to 100 %.",
        )
    ]


def _notes(found: Diagnosis) -> Sequence[str]:
    budget = found.budget
    notes = []
    if budget.refused:
        reasons: dict[str, list[str]] = {}
        for layer, reason in budget.refused:
            reasons.setdefault(reason, []).append(layer)
        notes += [f"No gradients of single samples for {', '.join(names)}: {why}." for why, names in reasons.items()]
    if budget.mode == "batch statistics":
        notes.append("Batch normalisation has seen no batch yet, so it was run with each batch's own statistics.")
    if not budget.whole:
        notes.append("No gradient reaches the input; the budget ends where the path is cut.")
    notes.append("The network was run in evaluation mode, so that dropout is off." if budget.mode == "eval" else "")
    return [note for note in notes if note]
