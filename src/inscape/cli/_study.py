"""``inscape study``: a question asked of many networks at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from inscape._errors import DependencyError, InputError, OutputError

_KNOWN = ("serial", "loky", "threading", "multiprocessing", "dask", "ray", "spark")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class StudyOptions:
    """How a study is run.

    Attributes:
        quick: few, small networks.
        resume: go on with the ledger in the folder.
        backend: where tasks run.
        workers: tasks at once, None for all cores.
        address: scheduler of a running dask cluster.
        seed: the root seed.
        json: whether the answer is JSON.
    """

    quick: Annotated[bool, Parameter(help="Few, small networks: to see what the study does.", negative=())] = False
    resume: Annotated[bool, Parameter(help="Go on with the ledger in the folder.", negative=())] = False
    backend: Annotated[str, Parameter(help=f"Where tasks run: {', '.join(_KNOWN)}; loky or serial without.")] = ""
    workers: Annotated[int | None, Parameter(help="Tasks at once; all cores without.")] = None
    address: Annotated[str, Parameter(help="Scheduler of a running dask cluster; a local one is started without.")] = ""
    seed: Annotated[int, Parameter(help="The root seed.")] = 0
    json: Annotated[bool, Parameter(help="Answer with JSON on standard output.", negative=())] = False


def study(
    name: Annotated[str, Parameter(help="The study; without it the studies are listed.")] = "",
    /,
    *,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"], help="Its folder; inscape-study-NAME without.")] = None,
    options: StudyOptions | None = None,
) -> int:
    """Ask a question of many networks at once; without NAME the studies are listed.

    Returns:
        The exit code: 1 if tasks have no value.

    Raises:
        InputError: if an option does not fit.
        KeyboardInterrupt: as it came, after a line on how to go on.
    """
    from inscape import studies

    chosen = options or StudyOptions()
    if not name:
        _list(as_json=chosen.json)
        return 0
    if chosen.workers is not None and chosen.workers < 1:
        raise InputError(f"expected --workers ≥ 1, got {chosen.workers}")
    if chosen.address and chosen.backend not in {"", "dask"}:
        raise InputError(f"--address is that of a dask scheduler; it does not go with --backend {chosen.backend}")
    studies.describe(name)
    folder = out or Path(f"inscape-study-{name}")
    with _placed("dask" if chosen.address else chosen.backend, chosen.workers, chosen.address):
        try:
            done = studies.run(name, out=folder, quick=chosen.quick, resume=chosen.resume, rng=chosen.seed)
        except KeyboardInterrupt:
            _say_how_to_go_on(folder)
            raise
    _answer(done, as_json=chosen.json)
    return 1 if done.failed else 0


def _say_how_to_go_on(folder: Path) -> None:
    import sys

    sys.stderr.write(f"inscape: what is finished is in {folder}; add --resume to go on\n")


def _list(*, as_json: bool) -> None:
    from inscape import studies
    from inscape.cli._terminal import show_table, write_json

    found = {name: studies.describe(name).question for name in studies.names()}
    if as_json:
        write_json({"studies": found})
    else:
        show_table("Studies", {"name": list(found), "question": list(found.values())})


def _answer(done: Any, *, as_json: bool) -> None:
    from inscape.cli._terminal import show_facts, write_json

    facts: dict[str, object] = {
        "page": str(done.page),
        "ledger": str(done.ledger),
        "tasks": done.tasks,
        "from the ledger": done.reused,
        "without a value": done.failed,
        "seconds": round(done.seconds, 1),
        "seconds in workers": round(done.worker_seconds, 1),
    }
    if as_json:
        write_json(facts)
        return
    if done.failed:
        facts["see"] = f"inscape runs show {done.ledger} --state failed"
    show_facts(f"Study {done.name}", facts)


@contextmanager
def _placed(backend: str, workers: int | None, address: str) -> Iterator[None]:
    """Configure joblib as the options say."""
    import joblib

    count = joblib.cpu_count() if workers is None else workers
    name = backend or ("serial" if count == 1 else "loky")
    if name not in _KNOWN:
        raise InputError(f"expected --backend as one of {', '.join(_KNOWN)}, got {name!r}")
    if name == "serial":
        with joblib.parallel_config(backend="sequential"):
            yield
    elif name == "dask":
        with _cluster(address, count), joblib.parallel_config(backend="dask"):
            yield
    else:
        _register(name)
        with joblib.parallel_config(backend=name, n_jobs=count):
            yield


@contextmanager
def _cluster(address: str, workers: int) -> Iterator[None]:
    """The running cluster, or one on this machine."""
    import logging

    from inscape._optional import require

    distributed = require("distributed", "distributed")
    if address:
        try:
            client = distributed.Client(address)
        except (OSError, ValueError) as error:
            raise OutputError(f"there is no dask scheduler at {address!r}: {error}") from error
        with client:
            yield
        return
    options: dict[str, Any] = {"dashboard_address": ":0", "silence_logs": logging.ERROR}
    with (
        distributed.LocalCluster(n_workers=workers, threads_per_worker=1, **options) as cluster,
        distributed.Client(cluster),
    ):
        yield


def _register(name: str) -> None:
    """Make a backend known that comes with a package of its own."""
    package = {"ray": "ray.util.joblib:register_ray", "spark": "joblibspark:register_spark"}.get(name)
    if package is None:
        return
    from importlib import import_module

    module, _, function = package.partition(":")
    try:
        getattr(import_module(module), function)()
    except ImportError as error:
        raise DependencyError(f"--backend {name} needs the package {module.partition('.')[0]!r}: {error}") from error
