"""What a study is, and how one is run: tasks into a ledger, outcomes into a page."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from inscape import runs
from inscape._errors import InputError, OutputError
from inscape._progress import Meter
from inscape.plotting import Table
from inscape.results import Section

STUDIES = {
    "capacity": "inscape.studies._capacity_page:STUDY",
    "geometry": "inscape.studies._geometry_page:STUDY",
}
"""Every study by name, imported when it is asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Study:
    """A question about many networks.

    Attributes:
        name: what the command line calls it.
        title: heading of its page.
        question: one sentence.
        function: the task function, at the top level of a module.
        tasks: makes the tasks; ``quick`` asks for few and small ones.
        sections: turns outcomes into the sections of the page; it draws nothing at random and computes no task.
    """

    name: str
    title: str
    question: str
    function: Callable[..., Any]
    tasks: Callable[..., list[dict[str, Any]]]
    sections: Callable[[Sequence[runs.Outcome]], list[Section]]


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyReport:
    """What a study has left.

    Attributes:
        name: the study.
        page: ``index.html``.
        ledger: the ledger with every outcome.
        tasks: number of tasks.
        reused: how many of them were in the ledger before.
        failed: how many have no value.
        seconds: wall time of this call.
        worker_seconds: time in workers of all tasks, earlier calls included.
    """

    name: str
    page: Path
    ledger: Path
    tasks: int
    reused: int
    failed: int
    seconds: float
    worker_seconds: float


def names() -> tuple[str, ...]:
    """Names of the studies.

    Returns:
        The names that :func:`run` takes.
    """
    return tuple(STUDIES)


def describe(name: str) -> Study:
    """Look up a study.

    Args:
        name: its name.

    Returns:
        The study.

    Raises:
        InputError: if there is no such study.
    """
    if name not in STUDIES:
        raise InputError(f"there is no study {name!r}; there are: {', '.join(STUDIES)}")
    module, _, thing = STUDIES[name].partition(":")
    return getattr(import_module(module), thing)


def run(
    name: str,
    *,
    out: str | Path,
    quick: bool = False,
    resume: bool = False,
    rng: int = 0,
    progress: Meter | bool | None = None,
) -> StudyReport:
    """Run a study on the configured joblib backend and write its page.

    The folder gets ``ledger.sqlite`` with every outcome and ``page/`` with the report. An interrupted study is
    continued by the same call with ``resume=True``; finished tasks are not computed again.

    Args:
        name: the study.
        out: the folder, made if it does not exist.
        quick: few, small networks: to see what the study does.
        resume: go on with the ledger in the folder.
        rng: the root seed; equal seeds give equal pages.
        progress: None, True, False or a meter, as everywhere.

    Returns:
        What was done and where it is.

    Raises:
        InputError: if there is no such study, or the folder holds finished tasks and ``resume`` is not set.
        OutputError: if the folder cannot be made or written; said before the long work begins.
    """
    from inscape.report import check_folder, write_sections

    study, folder, begin = describe(name), Path(out), time.perf_counter()
    ledger = folder / "ledger.sqlite"
    if not resume:
        _check_unused(ledger)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {error.strerror or error}; choose another folder") from error
    check_folder(folder / "page")
    tasks = study.tasks(quick=quick)
    outcomes = list(runs.map(study.function, tasks, ledger=ledger, rng=rng, progress=progress))
    seconds = time.perf_counter() - begin
    page = write_sections(
        [*study.sections(outcomes), _origin(study, outcomes, {"root seed": rng, "quick": quick}, seconds)],
        out=folder / "page",
        title=study.title,
        subtitle=study.question,
    )
    return StudyReport(
        name=name,
        page=page,
        ledger=ledger,
        tasks=len(outcomes),
        reused=sum(outcome.reused for outcome in outcomes),
        failed=sum(not outcome.done for outcome in outcomes),
        seconds=time.perf_counter() - begin,
        worker_seconds=sum(outcome.seconds for outcome in outcomes),
    )


def _check_unused(ledger: Path) -> None:
    """Refuse a folder with work in it; a ledger without a finished task is no work."""
    if not ledger.exists() or not ledger.stat().st_size:
        return
    finished = sum(found.counts.get(runs.State.DONE, 0) for found in runs.list_runs(ledger))
    if finished:
        raise InputError(
            f"{ledger.parent} holds {finished} finished tasks; add --resume (resume=True) to go on, "
            "or choose another folder"
        )


def _origin(study: Study, outcomes: Sequence[runs.Outcome], options: Mapping[str, object], seconds: float) -> Section:
    """The page's last chapter: versions, seeds, what it took, and what failed."""
    from inscape.results import Provenance

    origin = Provenance(function=f"{study.function.__module__}.{study.function.__qualname__}")
    failed = [outcome for outcome in outcomes if not outcome.done]
    facts: dict[str, object] = {
        "tasks": len(outcomes),
        "without a value": len(failed),
        "taken from the ledger": sum(outcome.reused for outcome in outcomes),
        "seconds, this call": round(seconds, 1),
        "seconds in workers, all tasks": round(sum(outcome.seconds for outcome in outcomes), 1),
        "workers": len({outcome.worker for outcome in outcomes}),
        "task function": origin.function,
        **options,
        "made on": origin.created,
        "system": origin.system,
        **{f"version of {name}": text for name, text in origin.versions.items()},
    }
    notes = [f"No value for {dict(outcome.options)}: {outcome.error}." for outcome in failed[:10]]
    if len(failed) > 10:
        notes.append(f"{len(failed) - 10} more tasks have no value; inscape runs show lists them.")
    return Section(
        key="provenance",
        title="Where this comes from",
        paragraphs=[
            "Each network is one task with a seed of its own, which depends on the root seed and the task's options, "
            "and on nothing else."
        ],
        tables=[Table(columns={"what": list(facts), "value": [str(value) for value in facts.values()]})],
        notes=notes,
        numbers={"failed": len(failed), "tasks": len(outcomes), "versions": origin.versions, "options": dict(options)},
    )
