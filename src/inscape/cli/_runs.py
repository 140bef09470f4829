"""``inscape runs``: what a ledger holds."""

from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from inscape._errors import InputError

_WIDEST = 100
"""Letters of a value that the terminal shows."""

_Ledger = Annotated[Path, Parameter(help="The ledger's file.")]
_Run = Annotated[int | None, Parameter(help="Number of a run, as list shows it; all without.")]
_Json = Annotated[bool, Parameter(help="Answer with JSON on standard output.", negative=())]


def list_runs(ledger: _Ledger, /, *, json: _Json = False) -> int:
    """List the runs in a ledger.

    Returns:
        The exit code.
    """
    from inscape import runs
    from inscape.cli._terminal import show_table, write_json

    rows = [_run_row(run) for run in runs.list_runs(ledger)]
    if json:
        write_json({"ledger": str(ledger), "runs": rows})
    else:
        columns = ("run", "function", "done", "not done", "seconds", "last")
        show_table(f"Runs in {ledger}", {name: [row[name] for row in rows] for name in columns})
    return 0


def _run_row(run: Any) -> dict[str, object]:
    from inscape.runs import State

    bad = sum(count for state, count in run.counts.items() if state is not State.DONE)
    return {
        "run": run.number,
        "function": run.function,
        "done": run.counts.get(State.DONE, 0),
        "not done": bad,
        "seconds": round(run.seconds, 2),
        "last": run.last[:16].replace("T", " "),
        "root": str(run.root),
        "shared": run.shared,
        "source": run.source,
        "version": run.version,
        "created": run.created,
    }


def show(
    ledger: _Ledger,
    /,
    *,
    run: _Run = None,
    state: Annotated[str, Parameter(help="Only tasks that ended so: done, failed, timed_out or killed.")] = "",
    limit: Annotated[int, Parameter(help="How many tasks at most; 0 for all.")] = 50,
    json: _Json = False,
) -> int:
    """Show tasks with their options, how they ended and what they gave.

    Returns:
        The exit code.

    Raises:
        InputError: if the limit is negative.
    """
    from inscape import runs
    from inscape.cli._terminal import write_json

    if limit < 0:
        raise InputError(f"expected --limit ≥ 0, got {limit}")
    chosen = _state(state)
    found = runs.outcomes(ledger, run=run, state=chosen)
    kept = list(islice(found, limit or None))
    total = sum(
        count
        for one in runs.list_runs(ledger)
        for ended, count in one.counts.items()
        if run in {None, one.number} and chosen in {None, ended}
    )
    if json:
        write_json({"ledger": str(ledger), "tasks": [_row(outcome) for outcome in kept], "of": total})
    else:
        _show(ledger, kept, total)
    return 0


def _state(name: str) -> Any:
    from inscape.runs import State

    if not name:
        return None
    if name.upper() not in State.__members__:
        raise InputError(f"expected --state as one of {', '.join(s.name.lower() for s in State)}, got {name!r}")
    return State[name.upper()]


def _show(ledger: Path, outcomes: list[Any], total: int) -> None:
    from inscape.cli._terminal import console, show_table

    names = list(dict.fromkeys(name for outcome in outcomes for name in outcome.options))
    columns: dict[str, list[object]] = {name: [o.options.get(name) for o in outcomes] for name in names}
    if any(outcome.replicate for outcome in outcomes):
        columns["replicate"] = [outcome.replicate for outcome in outcomes]
    columns |= {"state": [outcome.state.name.lower() for outcome in outcomes]}
    columns |= {"seconds": [outcome.seconds for outcome in outcomes], "value": [_short(o) for o in outcomes]}
    count = f"{len(outcomes)} of {total}; --limit 0 shows all" if len(outcomes) < total else str(total)
    show_table(f"Tasks in {ledger}: {count}", columns)
    failed = [outcome for outcome in outcomes if outcome.traceback]
    if len(failed) == 1:
        console().print(failed[0].traceback, markup=False)


def _row(outcome: Any) -> dict[str, object]:
    from inscape.runs._inspect import flattened

    return flattened(outcome) | {"traceback": outcome.traceback}


def _short(outcome: Any) -> object:
    """The value in one cell: a number as it is, everything else as a line of text."""
    from inscape.cli._terminal import as_text
    from inscape.runs._inspect import flattened

    if not outcome.done:
        text = outcome.error
    else:
        parts = {name: value for name, value in flattened(outcome).items() if name.partition(".")[0] == "value"}
        if list(parts) == ["value"] and not isinstance(parts["value"], str):
            return parts["value"]
        text = ", ".join(f"{name[6:]} {as_text(value)}".strip() for name, value in parts.items())
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def export(
    ledger: _Ledger,
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="File to write: .csv, .json or .parquet.")],
    run: _Run = None,
) -> int:
    """Write one row a task into a file.

    Returns:
        The exit code.
    """
    from inscape import runs
    from inscape.cli._terminal import show_facts

    show_facts("Exported", {"file": str(runs.export(ledger, out, run=run))})
    return 0


def prune(
    ledger: _Ledger,
    /,
    *,
    run: _Run = None,
    failed: Annotated[bool, Parameter(help="Only tasks that did not end well.", negative=())] = False,
    older_than: Annotated[float | None, Parameter(help="Only tasks that ended more than so many days ago.")] = None,
    orphans: Annotated[bool, Parameter(help="Only value files that no task names.", negative=())] = False,
    dry_run: Annotated[bool, Parameter(help="Say what would go, and change nothing.", negative=())] = False,
    json: _Json = False,
) -> int:
    """Remove tasks from a ledger, and what only they needed.

    Returns:
        The exit code.

    Raises:
        InputError: if nothing is asked for.
    """
    from inscape import runs
    from inscape.cli._terminal import show_facts, write_json

    if run is None and not failed and older_than is None and not orphans:
        raise InputError("say what is to go: --run NUMBER, --failed, --older-than DAYS or --orphans")
    gone = runs.prune(ledger, run=run, failed=failed, older_than=older_than, orphans=orphans, dry_run=dry_run)
    facts: dict[str, object] = {"runs": gone.runs, "tasks": gone.tasks, "files": gone.files, "bytes": gone.size}
    if json:
        write_json(facts | {"dry_run": dry_run})
    else:
        show_facts("Would be removed" if dry_run else "Removed", facts)
    return 0
