"""Label every candidate by training it: how the shipped table is made."""

from collections.abc import Iterable
from dataclasses import asdict
from math import isnan
from pathlib import Path
from typing import Any

from inscape import runs
from inscape._progress import Meter
from inscape.testing.faults._case import FaultCase
from inscape.testing.faults._net import Net
from inscape.testing.faults._outcome import Outcome, best_accuracy, borne_out, outcome
from inscape.testing.faults._suite import candidates
from inscape.testing.faults._table import Row


def label_all(
    cases: Iterable[FaultCase] | None = None,
    *,
    ledger: str | Path | None = None,
    progress: Meter | bool | None = None,
) -> tuple[Row, ...]:
    """Train cases and their healthy twins, and say which labels the outcomes bear out.

    All candidates take about 25 minutes on one core; ``with joblib.parallel_config(n_jobs=4)`` around the call
    takes four.

    Args:
        cases: the cases, None for all candidates.
        ledger: file of finished trainings, from which an interrupted call goes on; None to keep nothing.
        progress: None for a bar on a terminal, True, False, or a meter object.

    Returns:
        One row a case.
    """
    chosen = tuple(candidates() if cases is None else cases)
    trained = {each.key: each for case in chosen for each in (case, case.twin())}
    sizes = list({_size(case.net): None for case in trained.values()})
    best = runs.map(best_of_size, map(dict, sizes), ledger=ledger, rng=0, progress=progress)
    references = {size: done.value for size, done in zip(sizes, best, strict=True)}
    tasks = [
        {"kind": case.kind, "net": asdict(case.net), "place": case.place, "seed": case.seed}
        | {"reference": references[_size(case.net)]}
        for case in trained.values()
    ]
    outcomes = runs.map(outcome_of_case, tasks, ledger=ledger, rng=0, progress=progress)
    found = {key: Outcome(**done.value) for key, done in zip(trained, outcomes, strict=True)}
    return tuple(_row(case, found[case.key], found[case.twin().key]) for case in chosen)


def best_of_size(family: str, dataset: str, depth: int, width: int) -> float:
    """The task of a reference.

    Args:
        family: ``"mlp"`` or ``"conv"``.
        dataset: ``"digits"`` or ``"mnist5k"``.
        depth: hidden layers.
        width: units of each.

    Returns:
        The best test accuracy of the standard recipes.
    """
    return best_accuracy(Net(family=family, dataset=dataset, depth=depth, width=width))


def outcome_of_case(
    kind: str, net: dict[str, Any], place: int | None, seed: int, *, reference: float
) -> dict[str, Any]:
    """The task of a case.

    Args:
        kind: the case's kind.
        net: fields of its network.
        place: its sick layer.
        seed: its seed.
        reference: the best test accuracy of the standard recipes.

    Returns:
        The fields of its outcome.
    """
    case = FaultCase(kind=kind, net=Net(**net), place=place, seed=seed)
    return asdict(outcome(case, reference=reference))


def _size(net: Net) -> tuple[tuple[str, Any], ...]:
    return tuple((name, getattr(net, name)) for name in ("family", "dataset", "depth", "width"))


def _row(case: FaultCase, found: Outcome, twin: Outcome) -> Row:
    return Row(
        key=case.key,
        kind=case.kind,
        split=case.split,
        accuracy=round(found.accuracy, 4),
        epochs=None if found.epochs is None else round(found.epochs, 2),
        reference=round(found.reference, 4),
        still=found.still,
        start=None if isnan(found.start) else float(f"{found.start:.4g}"),
        twin_accuracy=round(twin.accuracy, 4),
        twin_epochs=None if twin.epochs is None else round(twin.epochs, 2),
        borne_out=borne_out(case, found, twin),
    )
