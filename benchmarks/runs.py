"""Cost of a task, of a ledger's row and of a resumed run, beside joblib alone; and how often a shared value travels."""

import hashlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import _errand
import joblib
from _record import options, store, table

from inscape import runs
from inscape.runs._identity import Identity
from inscape.runs._ledger import open_ledger
from inscape.runs._outcome import State
from inscape.runs._parcel import Parcel
from inscape.runs._record import Record
from inscape.runs._value import encode


def seconds(work: Callable[[], Any]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def bare(count: int) -> None:
    """The same tasks by joblib alone."""
    calls = (joblib.delayed(_errand.same)(i) for i in range(count))
    for _ in joblib.Parallel(return_as="generator_unordered")(calls):
        pass


def written(ledger: Path, count: int) -> None:
    """Rows written one by one, each a commit of its own."""
    with open_ledger(ledger) as opened:
        run = opened.run(Identity(function="f", source="", version="", shared="", root=0))
        for i in range(count):
            key, payload = hashlib.md5(str(i).encode()).digest(), encode(i)
            row = Record(key=key, options=f'{{"i":{i}}}', replicate=0, seed=i, state=State.DONE, payload=payload)
            opened.record(run, row)


def once(count: int, folder: Path) -> dict[str, float]:
    """One round: all sides in turn."""
    tasks = runs.grid(i=range(count))
    with joblib.parallel_config(backend="loky", n_jobs=2):
        list(runs.map(_errand.same, tasks[:100], rng=0))  # the pool is there
        found = {"joblib": seconds(lambda: bare(count))}
        found["map"] = seconds(lambda: list(runs.map(_errand.same, tasks, rng=0)))
        ledger = folder / "tasks.sqlite"
        found["ledger"] = seconds(lambda: list(runs.map(_errand.same, tasks, ledger=ledger, rng=0)))
        found["resume"] = seconds(lambda: list(runs.map(_errand.same, tasks, ledger=ledger, rng=0)))
    found["rows"] = seconds(lambda: written(folder / "rows.sqlite", count))
    return found


def journeys(backend: str, size: int, tasks: int) -> dict[str, int]:
    """How often a shared value leaves the driver, and how often it is opened, by processes."""
    left: list[int] = []
    plain = Parcel.__reduce_ex__
    Parcel.__reduce_ex__ = lambda self, protocol: (len(self._data) >= size and left.append(1)) or plain(self, protocol)
    try:
        with TemporaryDirectory() as folder:
            shared = _errand.Counted(Path(folder) / "log", size)
            config = {"backend": backend} | ({"n_jobs": 2} if backend == "loky" else {})
            with joblib.parallel_config(**config):
                list(runs.map(_errand.weighed, runs.grid(i=range(tasks)), shared=shared))
            opened = (Path(folder) / "log").read_text().split()
    finally:
        Parcel.__reduce_ex__ = plain
    return {"left": len(left), "opened": len(opened), "processes": len(set(opened))}


def transfers(*, quick: bool) -> list[dict[str, Any]]:
    """Journeys of 100 MB with few and with many tasks, on local processes and on a cluster of two workers."""
    from distributed import Client, LocalCluster

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    size = 1_000_000 if quick else 100_000_000
    rows = []
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster, Client(cluster):
        for backend, limit in (("loky", "opened ≤ 1 a process"), ("dask", "left: a handful")):
            for tasks in (10, 1000):
                found = journeys(backend, size, tasks)
                text = ", ".join(f"{name} {number}" for name, number in found.items())
                rows.append({"work": f"{size // 10**6} MB shared by {tasks} tasks, {backend}", "measured": text})
                rows[-1] |= {"reach": limit, "joblib alone": ""}
    return rows


def main() -> None:
    """Measure, print, store."""
    chosen = options(__doc__)
    count = 500 if chosen.quick else 10_000
    rounds = []
    for _ in range(1 if chosen.quick else 5):
        with TemporaryDirectory() as folder:
            rounds.append(once(count, Path(folder)))
    found = {name: median(one[name] for one in rounds) for name in rounds[0]}
    alone = f"{1e3 * found['joblib'] / count:.4f} ms"

    def row(work: str, name: str, limit: float) -> dict[str, Any]:
        each = 1e3 * found[name] / count
        return {"work": work, "measured": f"{each:.3f} ms", "reach": f"≤ {limit} ms", "joblib alone": alone}

    rows = [
        row(f"{count} trivial tasks on loky, each", "map", 0.2),
        row(f"{count} trivial tasks on loky with a ledger, each", "ledger", 0.2),
        row("one row of the ledger", "rows", 0.1) | {"joblib alone": ""},
        {
            "work": f"resume of {count} finished tasks",
            "measured": f"{found['resume']:.3f} s",
            "reach": "≤ 0.5 s",
            "joblib alone": "",
        },
        *transfers(quick=chosen.quick),
    ]
    store(chosen.out, "runs", rows)
    print(table(rows))


if __name__ == "__main__":
    main()
