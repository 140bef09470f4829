"""The suite as it is handed out: candidates whose outcome bears out their label."""

from collections.abc import Mapping
from dataclasses import replace

from inscape._errors import InputError
from inscape.gradients import Cause
from inscape.testing.faults._case import FaultCase
from inscape.testing.faults._kinds import KINDS
from inscape.testing.faults._suite import SPLITS, candidates
from inscape.testing.faults._table import Row, rows


def cases(
    split: str | None = None,
    kind: str | None = None,
    *,
    family: str | None = None,
    dataset: str | None = None,
    every: bool = False,
) -> tuple[FaultCase, ...]:
    """The cases of the suite; nothing is built or loaded yet.

    Args:
        split: ``"design"`` for cases that a tool may be tuned on, ``"held-out"`` for those that judge it,
            ``"confirmation"`` for those that judge what was changed after that, None for all.
        kind: a key of :data:`KINDS`, None for all.
        family: ``"mlp"``, ``"conv"``, or None for both.
        dataset: ``"digits"``, ``"mnist5k"`` (needs the extra ``data``), or None for both.
        every: also planted faults that do not harm the training of their network enough to show.

    Returns:
        The cases, in a fixed order.

    Raises:
        InputError: if there is no such split, kind, family or data set.

    Example:
        >>> sick = cases("design", "large_weights")[0]
        >>> sick.cause.name, sick.layer in dict(sick.build().named_modules())
        ('LARGE_WEIGHTS', True)
    """
    asked = {"split": split, "kind": kind, "family": family, "dataset": dataset}
    known = {"split": SPLITS, "kind": tuple(KINDS), "family": ("mlp", "conv"), "dataset": ("digits", "mnist5k")}
    for name, value in asked.items():
        if value is not None and value not in known[name]:
            raise InputError(f"expected {name} as one of {', '.join(known[name])}, or None, got {value!r}")
    table = rows()
    chosen = (
        case
        for case in candidates()
        if all(value is None or getattr(case, name) == value for name, value in asked.items())
    )
    return tuple(_labelled(case, table[case.key]) for case in chosen if case.key in table and _kept(case, table, every))


def _kept(case: FaultCase, table: Mapping[str, Row], every: bool) -> bool:
    """Healthy networks are kept only if they are; of planted faults all, if all are asked for."""
    return table[case.key].borne_out or (every and case.kind not in {"healthy", "default"})


def _labelled(case: FaultCase, row: Row) -> FaultCase:
    """Networks with torch's own initialisation get the label that their outcome gives them."""
    if case.kind != "default":
        return case
    cause = Cause.NONE if row.epochs is not None else Cause.SMALL_INITIALISATION
    return replace(case, accepted=(cause,))
