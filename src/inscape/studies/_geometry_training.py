"""The chapter of the study of geometry on training and weight decay."""

from collections.abc import Sequence

from inscape.plotting import Series, Table
from inscape.results import Figure, Section
from inscape.runs import Outcome
from inscape.studies._geometry_curves import (
    NEEDED,
    Cells,
    Claim,
    Part,
    Rows,
    at,
    cells,
    curve,
    drawn,
    empty,
    growth,
    judged,
    listed,
    named,
    times,
)
from inscape.studies._intervals import Mean, difference, mean

_SHOWN = (
    ("kappa_last", "κ, median over units", "Spread of the data over the transition, last hidden layer", True),
    ("occupancy_last", "occupancy, median over units", "Occupancy of the last hidden layer", False),
    ("unsupported", "share of all units", f"Units with fewer than {NEEDED} effective samples", False),
    ("coherence_first", "‖mean gradient‖ / mean ‖gradient‖", "Coherence of the first layer's gradients", False),
    ("coherence_last", "‖mean gradient‖ / mean ‖gradient‖", "Coherence of the last layer's gradients", False),
    ("accuracy", "accuracy on held-out samples", "Accuracy", False),
)


def training(outcomes: Sequence[Outcome]) -> Part:
    """The chapter on training with weight decay.

    Args:
        outcomes: all outcomes of the study.

    Returns:
        The chapter.
    """
    found = cells(outcomes, "training", "samples", "activation", "decay")
    many = {key[1:]: rows for key, rows in found.items() if key[0] is None}
    few = {key[1:]: rows for key, rows in found.items() if key[0] is not None}
    if not many:
        return empty("training", "Training and weight decay")
    ends = sorted({decay for _, decay in many})[:: max(1, len({decay for _, decay in many}) - 1)]
    section = Section(
        key="training",
        title="Training and weight decay",
        paragraphs=_training_words(many, few, ends),
        figures=[*_support_figures(many), *_ends_figures(many, ends)],
        tables=[_training_table(many, few)],
        notes=_diverged(many | few),
        numbers={
            "headline": {"networks trained with decay": sum(map(len, many.values())) + sum(map(len, few.values()))},
            "cells": {
                f"{activation}, decay {decay:g}": {
                    name: mean(at(rows, name)).value for name in ("effective_last", "unsupported", "accuracy")
                }
                for (activation, decay), rows in many.items()
            },
        },
    )
    return Part(section=section, claims=_training_claims(many, few, ends))


def _training_words(many: Cells, few: Cells, ends: list[float]) -> list[str]:
    size = next(iter(many.values()))[0]["samples"]
    words = [
        f"MLPs on the digits data (64 units a hidden layer, He's weights) were trained by AdamW with a constant step "
        f"of 0.01 and weight decay between {ends[0]:g} and {ends[-1]:g}; before training and while it went on, units "
        f"and gradients of single samples were measured on all {size:,} training samples. First and last mean the ends "
        "of the network."
    ]
    grown = []
    for activation in _activations(many):
        rows = many.get((activation, ends[0]), [])
        if at(rows, "kappa_last"):
            ratio = mean([row["kappa_last"][-1] / row["kappa_last"][0] for row in rows])
            grown.append(f"{ratio} ({named(activation)})")
    if grown:
        words.append(
            f"With decay {ends[0]:g}, training multiplied the median κ of the last hidden layer by {listed(grown)}."
        )
    words.append(f"At the end {_lacking(many, ends[0])} of all units had fewer than {NEEDED} effective samples.")
    if few:
        sparse = next(iter(few.values()))[0]["samples"]
        words.append(f"With {sparse} training samples and about as many steps it was {_lacking(few, ends[0])}.")
    contrasts = {
        name: _contrast(many.get((name, ends[-1]), []), many.get((name, ends[0]), []), "accuracy")
        for name in _activations(many)
    }
    better = [named(name) for name, contrast in contrasts.items() if contrast.value > contrast.half]
    words.append(
        f"Accuracy on held-out samples is clearly higher with decay {ends[-1]:g} than with {ends[0]:g} for "
        f"{listed(better) or 'none of the activations'}."
    )
    return words


def _lacking(found: Cells, decay: float) -> str:
    """Unsupported units at the end, in words."""
    rows = {activation: found.get((activation, decay), []) for activation in _activations(found)}
    shares = {name: mean([100 * v for v in at(values, "unsupported")]) for name, values in rows.items() if values}
    return listed([f"{share} % ({named(name)})" for name, share in shares.items()])


def _activations(found: Cells) -> list[str]:
    return list(dict.fromkeys(activation for activation, _ in found))


def _training_claims(many: Cells, few: Cells, ends: list[float]) -> list[Claim]:
    made = []
    for activation in _activations(many):
        name = named(activation)
        free, held = many.get((activation, ends[0]), []), many.get((activation, ends[-1]), [])
        if any(at(free, "kappa_last")):
            made.append(
                judged(f"{name}: without decay κ of the last hidden layer grows", growth(free, "kappa_last"), sign=1)
            )
        made += [
            judged(
                f"{name}: without decay training leaves fewer effective samples in the last hidden layer",
                growth(free, "effective_last"),
                sign=-1,
                unit="samples",
            ),
            judged(
                f"{name}: decay {ends[-1]:g} keeps more effective samples than decay {ends[0]:g}",
                _contrast(held, free, "effective_last"),
                sign=1,
                unit="samples",
            ),
            judged(
                f"{name}: without decay the share of unsupported units grows",
                times(growth(free, "unsupported"), 100),
                sign=1,
                unit="points",
            ),
            judged(
                f"{name}: with decay {ends[-1]:g} accuracy is higher than with {ends[0]:g}",
                times(_contrast(held, free, "accuracy"), 100),
                sign=1,
                unit="points",
            ),
        ]
        sparse = few.get((activation, ends[0]), [])
        if sparse:
            relation = f"{name}: with few samples more units are unsupported after training"
            made.append(judged(relation, times(_contrast(sparse, free, "unsupported"), 100), sign=1, unit="points"))
    return made


def _contrast(first: Rows, second: Rows, name: str) -> Mean:
    return difference(at(first, name), at(second, name))


def _over_epochs(rows: Rows, quantity: str, name: str) -> Series:
    longest = max((row["epochs"] for row in rows), key=len)
    return curve(longest, [row[quantity] for row in rows], name)


def _support_figures(many: Cells) -> list[Figure]:
    """N_eff over epochs, one figure an activation and one curve a weight decay."""
    made = []
    for activation in _activations(many):
        series = [
            _over_epochs(rows, "effective_last", f"decay {decay:g}")
            for (other, decay), rows in many.items()
            if other == activation
        ]
        made += drawn(
            f"support-{activation}",
            series,
            xlabel="epochs",
            ylabel="effective samples, median over units",
            title=f"Samples that support the last hidden layer, {named(activation)}",
            caption="Kish's effective number of training samples behind the gradient of a unit's weights.",
        )
    return made


def _ends_figures(many: Cells, ends: list[float]) -> list[Figure]:
    made = []
    for quantity, ylabel, title, logy in _SHOWN:
        series = [
            _over_epochs(rows, quantity, f"{named(activation)}, decay {decay:g}")
            for (activation, decay), rows in many.items()
            if decay in ends
        ]
        made += drawn(quantity.replace("_", "-"), series, xlabel="epochs", ylabel=ylabel, title=title, logy=logy)
    return made


def _training_table(many: Cells, few: Cells) -> Table:
    rows = [(key, values) for found in (many, few) for key, values in found.items()]

    def column(name: str, place: int = -1) -> list[str]:
        return [str(mean(at(values, name, place))) if at(values, name, place) else "–" for _, values in rows]

    return Table(
        columns={
            "activation": [named(activation) for (activation, _), _ in rows],
            "decay": [f"{decay:g}" for (_, decay), _ in rows],
            "samples": [values[0]["samples"] for _, values in rows],
            "seeds": [len(values) for _, values in rows],
            "κ, first": column("kappa_first"),
            "κ, last": column("kappa_last"),
            "occupancy, first": column("occupancy_first"),
            "occupancy, last": column("occupancy_last"),
            "N_eff, first": column("effective_first"),
            "N_eff, last": column("effective_last"),
            "unsupported, at first": column("unsupported", 0),
            "unsupported": column("unsupported"),
            "coherence, first": column("coherence_first"),
            "coherence, last": column("coherence_last"),
            "accuracy": column("accuracy"),
        },
        caption="At the end of training; means over seeds ± half the width of the 95 % interval.",
    )


def _diverged(found: Cells) -> list[str]:
    lengths = [(len(row["epochs"]), max(len(r["epochs"]) for r in rows)) for rows in found.values() for row in rows]
    short = sum(length < most for length, most in lengths)
    return [f"{short} of {len(lengths)} trainings ended early because they diverged."] if short else []
