"""Label every candidate by training it: how the shipped table is made."""

from collections.abc import Iterable, Mapping
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

    All candidates take about twenty minutes on one core; ``with joblib.parallel_config(n_jobs=4)`` around the call
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
    sizes = [_size(net) for net in {_sized(case.net): None for case in trained.values()}]
    best = [done.value for done in runs.map(best_of_size, sizes, ledger=ledger, rng=0, progress=progress)]
    shared = {"cases": trained, "best": {_name(size): value for size, value in zip(sizes, best, strict=True)}}
    tasks = [{"key": key} for key in trained]
    found = {
        str(done.options["key"]): Outcome(**done.value)
        for done in runs.map(outcome_of_key, tasks, shared=shared, ledger=ledger, rng=0, progress=progress)
    }
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


def outcome_of_key(key: str, shared: Mapping[str, Any]) -> dict[str, Any]:
    """The task of a case.

    Args:
        key: the case's key.
        shared: the cases by key, and the reference accuracies by size.

    Returns:
        The fields of its outcome.
    """
    case: FaultCase = shared["cases"][key]
    return asdict(outcome(case, reference=shared["best"][_name(_size(case.net))]))


def _sized(net: Net) -> Net:
    return Net(**_size(net))


def _size(net: Net) -> dict[str, Any]:
    return {"family": net.family, "dataset": net.dataset, "depth": net.depth, "width": net.width}


def _name(size: Mapping[str, Any]) -> str:
    return " ".join(map(str, size.values()))


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
