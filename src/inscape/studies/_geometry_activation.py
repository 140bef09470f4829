"""The chapter of the study of geometry on activations."""

from collections.abc import Sequence

from inscape.plotting import Series, Table
from inscape.results import Figure, Section
from inscape.runs import Outcome
from inscape.studies._geometry_curves import (
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
    times,
)
from inscape.studies._intervals import Mean, difference, mean


def activation(outcomes: Sequence[Outcome]) -> Part:
    """The chapter.

    Args:
        outcomes: all outcomes of the study.

    Returns:
        The chapter.
    """
    found = {key[0]: rows for key, rows in cells(outcomes, "activation", "activation").items()}
    if not found:
        return empty("activation", "Activations")
    before, after = (
        {name: mean(one(rows, key)) for name, rows in found.items()} for key in ("change_before", "change")
    )
    best = max(found, key=lambda name: mean(one(found[name], "accuracy")).value)
    top = times(mean(one(found[best], "accuracy")), 100)
    section = Section(
        key="activation",
        title="Activations",
        paragraphs=[
            "MLPs of one shape (He's weights) were trained on 4,000 digits of MNIST, with five activations. From the "
            f"output to the first layer the error changes by {_in_words(before)} nats before training, and by "
            f"{_in_words(after)} after it. The best mean accuracy is that of {named(best)}, {top} %.",
            "A gate is what an activation does to the size of the error. Its reference is what it does where nothing "
            "is wrong: ln ¼ = −1.386 for a sigmoid at its steepest, 0 for tanh, ½ ln ½ = −0.347 for the others, which "
            "are open for half of the samples.",
        ],
        figures=_figures(found),
        tables=[_table(found)],
        numbers={
            name: {"change": after[name].value, "change_before": before[name].value, "gate_excess": _excess(rows).value}
            for name, rows in found.items()
        },
    )
    return Part(section=section, claims=_claims(found))


def _in_words(found: dict[str, Mean]) -> str:
    return listed([f"{value} ({named(name)})" for name, value in found.items()])


def _excess(rows: Rows) -> Mean:
    """Mean gate of a network less its reference."""
    values = []
    for row in rows:
        pairs = zip(row["gates"], row["references"], strict=True)
        over = [gate - reference for gate, reference in pairs if gate is not None and reference is not None]
        values += [sum(over) / len(over)] if over else []
    return mean(values)


def _claims(found: dict[str, Rows]) -> list[Claim]:
    made = [
        judged(
            f"trained: less of the error arrives through sigmoids than through {named(name)}",
            difference(one(found["sigmoid"], "change"), one(rows, "change")),
            sign=-1,
            unit="nats",
        )
        for name, rows in found.items()
        if name != "sigmoid" and "sigmoid" in found
    ]
    for name in ("sigmoid", "tanh"):
        rows = found.get(name, [])
        if rows:
            relation = f"trained: gates of {named(name)} lie below their reference"
            made.append(judged(relation, _excess(rows), sign=-1, unit="nats"))
            change = [a - b for a, b in zip(at(rows, "occupancy"), at(rows, "occupancy_before"), strict=True)]
            relation = f"{named(name)}: training lowers the occupancy of the last hidden layer"
            made.append(judged(relation, times(mean(change), 100), sign=-1, unit="points"))
    return made


def _over_layers(found: dict[str, Rows], quantity: str) -> list[Series]:
    return [
        curve(range(1, len(rows[0][quantity]) + 1), [row[quantity] for row in rows], named(name))
        for name, rows in found.items()
    ]


def _figures(found: dict[str, Rows]) -> list[Figure]:
    shown = (
        ("occupancy", "occupancy, median over units", "Occupancy of trained networks"),
        ("gates", "gate (nats)", "Gates of trained networks"),
        ("gates_before", "gate (nats)", "Gates at the initial weights"),
    )
    return [
        figure
        for quantity, ylabel, title in shown
        for figure in drawn(
            quantity.replace("_", "-"),
            _over_layers(found, quantity),
            xlabel="hidden layer, from the input",
            ylabel=ylabel,
            title=title,
        )
    ]


def _table(found: dict[str, Rows]) -> Table:
    def column(name: str, place: int | None = None) -> list[str]:
        return [str(mean(one(rows, name) if place is None else at(rows, name, place))) for rows in found.values()]

    return Table(
        columns={
            "activation": [named(name) for name in found],
            "seeds": [len(rows) for rows in found.values()],
            "occupancy, first": column("occupancy", 0),
            "occupancy, last": column("occupancy", -1),
            "gate, first": column("gates", 0),
            "gate, last": column("gates", -1),
            "reference": column("references", 0),
            "change": column("change"),
            "change before training": column("change_before"),
            "accuracy": column("accuracy"),
        },
        caption="Trained networks; means over seeds ± half the width of the 95 % interval, changes and gates in nats.",
    )
