"""How weight scale and sample density decide which hyperplanes learn, and where the gradient goes: the tasks."""

from typing import Any

from inscape._errors import InputError
from inscape.runs import grid
from inscape.studies import _geometry_measures as measures

ACTIVATIONS = ("sigmoid", "tanh", "relu")
DECAYS = (0.0, 1e-3, 1e-2, 1e-1)

FEW = 200
"""Training samples where they are few."""


def tasks(*, quick: bool) -> list[dict[str, Any]]:
    """Networks to train or to look at: the five parts of the study.

    Where training samples are few the epochs are more, so that the steps are about as many.

    Args:
        quick: fewer of them, and shorter training.

    Returns:
        One task a network and seed.
    """
    seeds, epochs = (3, 4) if quick else (5, 60)
    decays = [DECAYS[0], DECAYS[-1]]
    many = {"part": ["training"], "activation": ACTIVATIONS, "depth": [3], "repeats": seeds}
    few = many | {"samples": [FEW], "epochs": [6 * epochs], "decay": decays}
    many |= {"samples": [None], "epochs": [epochs], "decay": decays if quick else DECAYS}
    scales = [[-3, 0, 3, 6]] if quick else [list(range(-3, 7))]
    scale = grid(part=["scale"], activation=ACTIVATIONS[:2], depth=[2], epochs=[5], exponents=scales, repeats=seeds)
    activation = grid(
        part=["activation"],
        activation=("sigmoid", "tanh", "relu", "gelu", "silu"),
        depth=[3],
        epochs=[1 if quick else 10],
        repeats=seeds,
    )
    starts = {"activation": ACTIVATIONS, "repeats": seeds}
    initialisation = grid(
        part=["initialisation"],
        initialisation=(*measures.INITIALISATIONS, "rescaled"),
        depth=[6],
        epochs=[epochs],
        **starts,
    )
    depths = [2, 6, 12] if quick else [2, 4, 6, 8, 12, 16, 20]
    depth = grid(part=["depth"], initialisation=measures.INITIALISATIONS, depth=depths, **starts)
    return [*grid(**many), *grid(**few), *scale, *activation, *initialisation, *depth]


def geometry(  # noqa: PLR0913
    *,
    part: str,
    activation: str,
    depth: int,
    epochs: int = 0,
    decay: float = 0.0,
    samples: int | None = None,
    exponents: list[int] | None = None,
    initialisation: str = "He",
    rng: int,
) -> dict[str, Any]:
    """Measure one network.

    Args:
        part: ``"training"``, ``"scale"``, ``"activation"``, ``"initialisation"`` or ``"depth"``.
        activation: activation of the hidden layers.
        depth: hidden layers.
        epochs: passes through the data.
        decay: weight decay of AdamW.
        samples: training samples, None for all.
        exponents: scales of the first layer, as powers of 2.
        initialisation: ``"default"``, ``"Xavier"``, ``"He"`` or ``"rescaled"``.
        rng: seed of initial weights and of the order of samples; the split of the data is always the same.

    Returns:
        Numbers and lists of numbers; None where a quantity is not defined.

    Raises:
        InputError: if there is no such part.

    Source:
        van den Berg (2016), the relations named in the abstract.
    """
    if part == "training":
        return measures.training(activation, depth, decay=decay, samples=samples, epochs=epochs, rng=rng)
    if part == "scale":
        return measures.scale(activation, depth, exponents=exponents or [0], epochs=epochs, rng=rng)
    if part == "activation":
        return measures.activation(activation, depth, epochs=epochs, rng=rng)
    if part == "initialisation":
        return measures.initialisation(activation, depth, start=initialisation, epochs=epochs, rng=rng)
    if part == "depth":
        return measures.depth(activation, depth, start=initialisation, rng=rng)
    raise InputError(f"there is no part {part!r}; give training, scale, activation, initialisation or depth")
