"""The chapter of the study of geometry on initialisations."""

from collections.abc import Sequence

from inscape.plotting import Series, Table
from inscape.results import Figure, Section
from inscape.runs import Outcome
from inscape.studies._geometry_curves import (
    Cells,
    Claim,
    Part,
    Rows,
    at,
    cells,
    curve,
    drawn,
    empty,
    judged,
    listed,
    named,
    one,
)
from inscape.studies._intervals import difference, mean

GOAL = 0.9
"""Share of the best accuracy that is to be reached."""


def initialisation(outcomes: Sequence[Outcome]) -> Part:
    """The chapter.

    Args:
        outcomes: all outcomes of the study.

    Returns:
        The chapter.
    """
    found = cells(outcomes, "initialisation", "activation", "initialisation")
    if not found:
        return empty("initialisation", "Initialisations")
    goals = {activation: GOAL * _best(found, activation) for activation, _ in found}
    section = Section(
        key="initialisation",
        title="Initialisations",
        paragraphs=[
            "MLPs with six hidden layers were looked at before their first step, and then trained on the digits data "
            "by SGD (step 0.05, momentum 0.9). Scaled to the data means torch's default weights, each unit of tanh and "
            "sigmoid times z*/(2 std z), each ReLU layer times one factor to unit variance; hyperplanes of the first "
            "layer stay. Outside the data is a hyperplane with all training samples on one side.",
            *_in_words(found, goals),
        ],
        figures=_figures(found),
        tables=[_table(found, goals)],
        notes=[
            f"The goal is {GOAL:.0%} of the best mean accuracy that any initialisation reached with the activation. A "
            "network that did not reach it counts with all its epochs in means and comparisons, which makes it look "
            "quicker than it is."
        ],
        numbers={
            f"{activation}, {start}": {"reached": _arrived(rows, goals[activation]), "of": len(rows)}
            for (activation, start), rows in found.items()
        },
    )
    return Part(section=section, claims=_claims(found, goals))


def _best(found: Cells, activation: str) -> float:
    return max(
        mean([max(row["accuracy"]) for row in rows]).value for (other, _), rows in found.items() if other == activation
    )


def epochs_to(accuracy: Sequence[float], goal: float) -> int | None:
    """The first epoch after which an accuracy is reached.

    Args:
        accuracy: before training and after each epoch.
        goal: what is to be reached.

    Returns:
        The epoch, or None if it is never reached.
    """
    return next((epoch for epoch, value in enumerate(accuracy) if value >= goal), None)


def _arrived(rows: Rows, goal: float) -> int:
    return sum(epochs_to(row["accuracy"], goal) is not None for row in rows)


def _epochs(rows: Rows, goal: float) -> list[float]:
    """Epochs to the goal; all of them where it is not reached."""
    found = [(epochs_to(row["accuracy"], goal), len(row["accuracy"]) - 1) for row in rows]
    return [float(last if epoch is None else epoch) for epoch, last in found]


def _outside(rows: Rows) -> list[float]:
    return [100 * sum(row["outside"]) / len(row["outside"]) for row in rows]


def _in_words(found: Cells, goals: dict[str, float]) -> list[str]:
    words = []
    for activation, goal in goals.items():
        kept = {start: rows for (other, start), rows in found.items() if other == activation}
        parts = []
        for start, rows in kept.items():
            there = _arrived(rows, goal)
            when = f", after {mean(_epochs(rows, goal))} epochs" if there == len(rows) else ""
            parts.append(f"{there} of {len(rows)} with {_weights(start)}{when}")
        words.append(f"{named(activation)}: networks that reached the goal are {listed(parts)}.")
    return words


def _weights(start: str) -> str:
    return {"rescaled": "weights scaled to the data", "default": "torch's weights"}.get(start, f"{start}'s weights")


def _claims(found: Cells, goals: dict[str, float]) -> list[Claim]:
    made = []
    for activation, goal in goals.items():
        kept = {start: rows for (other, start), rows in found.items() if other == activation}
        scaled, name = kept.pop("rescaled", []), named(activation)
        if scaled and "default" in kept:
            plain = kept["default"]
            made.append(
                judged(
                    f"{name}: scaling to the data leaves fewer hyperplanes outside the data than torch's weights",
                    difference(_outside(scaled), _outside(plain)),
                    sign=-1,
                    unit="points",
                )
            )
            sizes = [[abs(value) for value in one(rows, "change")] for rows in (scaled, plain)]
            relation = f"{name}: it brings the change of the error to the first layer nearer to 0 than torch's weights"
            made.append(judged(relation, difference(*sizes), sign=-1, unit="nats"))
        for start, rows in kept.items():
            contrast = difference(_epochs(scaled, goal), _epochs(rows, goal))
            relation = f"{name}: scaled to the data it reaches the goal in fewer epochs than with {_weights(start)}"
            made.append(judged(relation, contrast, sign=-1, unit="epochs"))
    return made


def _figures(found: Cells) -> list[Figure]:
    made = []
    for activation in dict.fromkeys(activation for activation, _ in found):
        kept = {start: rows for (other, start), rows in found.items() if other == activation}
        name = named(activation)
        made += drawn(
            f"accuracy-{activation}",
            _curves(kept, "accuracy", begin=0),
            xlabel="epochs",
            ylabel="accuracy on held-out samples",
            title=f"Learning from four initialisations, {name}",
        )
        made += drawn(
            f"kappa-{activation}",
            _curves(kept, "kappa", geometric=True),
            xlabel="hidden layer, from the input",
            ylabel="κ, median over units",
            title=f"Spread over the transition before the first step, {name}",
            logy=True,
        )
        made += drawn(
            f"outside-{activation}",
            _curves(kept, "outside"),
            xlabel="hidden layer, from the input",
            ylabel="share of the units",
            title=f"Hyperplanes outside the data before the first step, {name}",
        )
    return made


def _curves(kept: dict[str, Rows], quantity: str, *, begin: int = 1, geometric: bool = False) -> list[Series]:
    """One curve an initialisation, over epochs or layers."""
    made = []
    for start, rows in kept.items():
        longest = max(len(row[quantity]) for row in rows)
        lists = [row[quantity] for row in rows]
        made.append(curve(range(begin, begin + longest), lists, named(start), geometric=geometric))
    return made


def _table(found: Cells, goals: dict[str, float]) -> Table:
    def column(name: str, place: int) -> list[str]:
        return [str(mean(at(rows, name, place))) if at(rows, name, place) else "–" for rows in found.values()]

    return Table(
        columns={
            "activation": [named(activation) for activation, _ in found],
            "weights": [named(start) for _, start in found],
            "seeds": [len(rows) for rows in found.values()],
            "κ, first": column("kappa", 0),
            "κ, last": column("kappa", -1),
            "occupancy, first": column("occupancy", 0),
            "occupancy, last": column("occupancy", -1),
            "outside, %": [str(mean(_outside(rows))) for rows in found.values()],
            "change": [str(mean(one(rows, "change"))) for rows in found.values()],
            "reached the goal": [_arrived(rows, goals[key[0]]) for key, rows in found.items()],
            "epochs to it": [str(mean(_epochs(rows, goals[key[0]]))) for key, rows in found.items()],
            "best accuracy": [str(mean([max(row["accuracy"]) for row in rows])) for rows in found.values()],
        },
        caption="Before the first step, and what SGD made of it; means over seeds ± half the width of the 95 % "
        "interval, the change in nats.",
    )
