"""The suite as it is handed out."""

from inscape.testing.faults._case import FaultCase
from inscape.testing.faults._suite import candidates


def cases(
    split: str | None = None, kind: str | None = None, *, family: str | None = None, dataset: str | None = None
) -> tuple[FaultCase, ...]:
    """The cases of the suite; nothing is built or loaded yet.

    Args:
        split: ``"design"``, ``"held-out"``, None for both.
        kind: a key of ``KINDS``, None for all.
        family: ``"mlp"``, ``"conv"``, or None for both.
        dataset: ``"digits"``, ``"mnist5k"``, or None for both.

    Returns:
        The cases, in a fixed order.
    """
    asked = {"split": split, "kind": kind, "family": family, "dataset": dataset}
    return tuple(
        case
        for case in candidates()
        if all(value is None or getattr(case, name) == value for name, value in asked.items())
    )
