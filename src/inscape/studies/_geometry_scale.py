"""The chapter of the study of geometry on fixed hyperplanes at other scales."""

from collections.abc import Sequence
from typing import Any

from inscape.plotting import Series, Table
from inscape.results import Figure, Section
from inscape.runs import Outcome
from inscape.studies._geometry_curves import (
    NEEDED,
    Claim,
    Part,
    Rows,
    at,
    cells,
    curve,
    drawn,
    empty,
    judged,
    level,
    listed,
    named,
    near,
    times,
)
from inscape.studies._geometry_measures import LEVELS
from inscape.studies._intervals import Mean, mean


def scale(outcomes: Sequence[Outcome]) -> Part:
    """The chapter on fixed hyperplanes at other scales.

    Args:
        outcomes: all outcomes of the study.

    Returns:
        The chapter.
    """
    found = {key[0]: rows for key, rows in cells(outcomes, "scale", "activation").items()}
    if not found:
        return empty("scale", "The scale of the first layer")
    section = Section(
        key="scale",
        title="The scale of the first layer",
        paragraphs=_scale_words(found),
        figures=[*_scale_support(found), *_scale_gradient(found), *_scale_cost(found)],
        tables=[_scale_table(found)],
        numbers={
            name: {
                "critical_median": mean(at(rows, "critical", len(LEVELS) // 2)).value,
                "effective_over_asymptote": _limit(rows).value,
            }
            for name, rows in found.items()
        },
    )
    return Part(section=section, claims=[claim for name, rows in found.items() for claim in _scale_claims(name, rows)])


def _limit(rows: Rows) -> Mean:
    """N_eff over its asymptote at the largest scale."""
    return mean([a / b for a, b in zip(at(rows, "effective"), at(rows, "asymptote"), strict=True)])


def _origin(rows: Rows) -> int:
    """Place of the scale 1, or the first one."""
    exponents = rows[0]["exponents"]
    return exponents.index(0) if 0 in exponents else 0


def _against_one(rows: Rows, name: str) -> Mean:
    """A quantity at the largest scale less that at scale 1, seed by seed."""
    place = _origin(rows)
    pairs = [(row[name][place], row[name][-1]) for row in rows]
    return mean([last - first for first, last in pairs if first is not None and last is not None])


def _scale_words(found: dict[str, Rows]) -> list[str]:
    rows = next(iter(found.values()))
    exponents = rows[0]["exponents"]
    words = [
        "After two epochs of training, weights and biases of the first layer were multiplied by γ = "
        f"{2.0 ** exponents[0]:g} to {2.0 ** exponents[-1]:g}. The hyperplanes stay where they are; the slabs around "
        "them, in which a unit responds, get thinner as 1/γ. Then the first layer alone was trained for a few epochs, "
        "the others frozen: by SGD with one step size for all γ, and by Adam with steps in proportion to γ, so that a "
        "step is as long beside the weights at every scale.",
    ]
    for name, values in found.items():
        middle = mean(at(values, "critical", len(LEVELS) // 2))
        lack = mean([100 * v for v in at(values, "unsupported")])
        gains = [
            mean([100 * v for v in at(values, f"gain_{way}", place)])
            for way in ("fixed", "relative")
            for place in (_origin(values), -1)
        ]
        words.append(
            f"{named(name)}: at γ = {2.0 ** exponents[-1]:g} the median N_eff is {_limit(values)} of its asymptote "
            f"and {lack} % of the units have fewer than {NEEDED} effective samples. The critical scale, at which the "
            f"number falls to {NEEDED}, has a median of {middle}. Training the first layer alone gains {gains[0]} "
            f"points of accuracy at γ = {2.0 ** exponents[_origin(values)]:g} and {gains[1]} at the largest with fixed "
            f"steps, {gains[2]} and {gains[3]} with steps in proportion."
        )
    words += _cause_in_words(found)
    return words


def _cause_in_words(found: dict[str, Rows]) -> list[str]:
    """Where fixed steps gain clearly less at the largest scale: whether steps in proportion do, too."""
    less = {
        way: [name for name, rows in found.items() if (lost := _against_one(rows, f"gain_{way}")).value < -lost.half]
        for way in ("fixed", "relative")
    }
    words = []
    if both := [named(name) for name in less["fixed"] if name in less["relative"]]:
        words.append(f"{listed(both)}: the gain is clearly less at the largest scale with both ways to step.")
    if alone := [named(name) for name in less["fixed"] if name not in less["relative"]]:
        words.append(
            f"{listed(alone)}: the gain is clearly less at the largest scale with fixed steps only. With steps in "
            "proportion no loss is clear: what shows in the accuracy is how short a step is beside the weights, and "
            "not that samples are lacking."
        )
    return words


def _scale_claims(activation: str, rows: Rows) -> list[Claim]:
    name = named(activation)
    gains = (("gain_fixed", "fixed steps"), ("gain_relative", "steps in proportion"))
    return [
        near(
            f"{name}: at the largest scale N_eff is within a tenth of constant · N · p_z(0)",
            _limit(rows),
            target=1,
            within=0.1,
            unit="of it",
        ),
        judged(
            f"{name}: thinner slabs leave more units unsupported than at scale 1",
            times(_against_one(rows, "unsupported"), 100),
            sign=1,
            unit="points",
        ),
        judged(
            f"{name}: the gradient of single samples is smaller than at scale 1",
            _against_one(rows, "norm"),
            sign=-1,
        ),
        judged(f"{name}: it is less coherent than at scale 1", _against_one(rows, "coherence"), sign=-1),
        *(
            judged(
                f"{name}: the first layer alone gains less accuracy than at scale 1, {words}",
                times(_against_one(rows, key), 100),
                sign=-1,
                unit="points",
            )
            for key, words in gains
        ),
        *(
            judged(
                f"{name}: units with more effective samples turn farther at the largest scale (rank correlation), "
                f"{words}",
                mean(at(rows, key.replace("gain", "rank"))),
                sign=1,
            )
            for key, words in gains
        ),
    ]


def _over_scales(
    found: dict[str, Rows], quantities: Sequence[tuple[str, str]], *, geometric: bool = False
) -> list[Series]:
    made = []
    for activation, rows in found.items():
        x = [2.0**k for k in rows[0]["exponents"]]
        for quantity, words in quantities:
            name = ", ".join(filter(None, [named(activation), words]))
            made.append(curve(x, [row[quantity] for row in rows], name, geometric=geometric))
    return made


def _scale_support(found: dict[str, Rows]) -> list[Figure]:
    pairs = [("effective", ""), ("asymptote", "asymptote")]
    x = [2.0**k for k in next(iter(found.values()))[0]["exponents"]]
    critical = [
        curve(LEVELS, [row["critical"] for row in rows], named(activation), geometric=True)
        for activation, rows in found.items()
    ]
    return [
        *drawn(
            "effective",
            [*_over_scales(found, pairs, geometric=True), level(x, NEEDED, f"{NEEDED} needed")],
            xlabel="scale γ of the first layer",
            ylabel="effective samples, median over units",
            title="Samples that support the hyperplanes of the first layer",
            caption="The asymptote is 6 N p_z(0) for the sigmoid and 3 N p_z(0) for tanh, N samples of density p_z.",
            logx=True,
            logy=True,
        ),
        *drawn(
            "unsupported",
            _over_scales(found, [("unsupported", "")]),
            xlabel="scale γ of the first layer",
            ylabel="share of the units",
            title=f"Units with fewer than {NEEDED} effective samples",
            logx=True,
        ),
        *drawn(
            "critical",
            critical,
            xlabel="share of the units",
            ylabel="critical scale",
            title="Critical scale of the units, from the least to the largest",
            caption=f"The factor at which {NEEDED} effective samples are left.",
            logy=True,
        ),
    ]


def _scale_gradient(found: dict[str, Rows]) -> list[Figure]:
    shown = (
        ("norm", "mean ‖gradient of a sample‖", "Gradient of the first layer", True),
        ("coherence", "‖mean gradient‖ / mean ‖gradient‖", "Coherence of the first layer's gradients", False),
    )
    return [
        figure
        for quantity, ylabel, title, log in shown
        for figure in drawn(
            quantity,
            _over_scales(found, [(quantity, "")], geometric=log),
            xlabel="scale γ of the first layer",
            ylabel=ylabel,
            title=title,
            logx=True,
            logy=log,
        )
    ]


def _scale_cost(found: dict[str, Rows]) -> list[Figure]:
    ways = (("fixed", "fixed steps"), ("relative", "steps ∝ γ"))
    shown = (
        ("gain", "gain in accuracy (share of held-out samples)", "What training the first layer alone gains", False),
        ("turn", "angle, median over units (degrees)", "How far its hyperplanes turn", True),
    )
    return [
        figure
        for quantity, ylabel, title, log in shown
        for figure in drawn(
            quantity,
            _over_scales(found, [(f"{quantity}_{way}", words) for way, words in ways], geometric=log),
            xlabel="scale γ of the first layer",
            ylabel=ylabel,
            title=title,
            logx=True,
            logy=log,
        )
    ]


def _scale_table(found: dict[str, Rows]) -> Table:
    lines = [(name, rows, place) for name, rows in found.items() for place in range(len(rows[0]["exponents"]))]
    columns: dict[str, Any] = {
        "activation": [named(name) for name, _, _ in lines],
        "γ": [f"{2.0 ** rows[0]['exponents'][place]:g}" for _, rows, place in lines],
        "seeds": [len(rows) for _, rows, _ in lines],
    }
    titles = {
        "kappa": "κ",
        "effective": "N_eff",
        "asymptote": "asymptote",
        "unsupported": "unsupported",
        "norm": "gradient",
        "coherence": "coherence",
        "accuracy": "accuracy before",
        "gain_fixed": "gain, fixed",
        "gain_relative": "gain, ∝ γ",
        "rank_fixed": "rank, fixed",
        "rank_relative": "rank, ∝ γ",
    }
    for name, title in titles.items():
        columns[title] = [str(mean(at(rows, name, place))) for _, rows, place in lines]
    return Table(
        columns=columns,
        caption="Medians over units, means over seeds ± half the width of the 95 % interval. The rank is the "
        "correlation (Spearman) over units of N_eff and of how far the hyperplane turns.",
    )
