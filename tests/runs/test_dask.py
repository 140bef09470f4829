"""A real cluster on this machine: killed workers, poison, a lost scheduler, and what goes over the wire."""

import logging
import os
import signal
from collections import Counter

import errands
import joblib
import pytest
from places import local_cluster

from inscape._errors import TaskError
from inscape.runs import State, _backend, grid, map
from inscape.runs._parcel import Parcel

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def cluster():
    """A cluster of its own, for tests that break it."""
    with local_cluster() as client, joblib.parallel_config(backend="dask"):
        yield client


def workers(client):
    return [int(pid) for pid in client.run(os.getpid).values()]


def test_a_worker_that_is_killed_half_way_costs_nothing(cluster, tmp_path):
    log, ledger = tmp_path / "log", tmp_path / "l.sqlite"
    tasks = [{"i": i, "log": str(log)} for i in range(60)]
    outcomes = map(errands.slowly_noted, tasks, ledger=ledger, rng=1)
    found = [next(outcomes) for _ in range(10)]
    os.kill(workers(cluster)[0], signal.SIGKILL)
    found += outcomes
    with joblib.parallel_config(backend="sequential"):
        expected = [o.value for o in map(errands.slowly_noted, tasks, rng=1)]
    assert [o.value for o in found] == expected


def test_poison_is_named_and_the_others_finish(cluster):
    outcomes = list(map(errands.deadly, [{"i": i, "poison": [5]} for i in range(20)], retries=0))
    assert [o.options["i"] for o in outcomes if not o.done] == [5]
    assert outcomes[5].state is State.KILLED
    assert "KilledWorker" in outcomes[5].error
    assert outcomes[5].attempts == 1


def test_a_task_that_cannot_be_opened_by_workers_is_a_failure(dask):
    """Its module is on this side only."""
    import sys
    from types import ModuleType

    module = ModuleType("only_here")
    exec("def work(i): return i", module.__dict__)
    sys.modules["only_here"] = module
    try:
        outcomes = list(map(module.work, grid(i=range(3)), retries=0))
    finally:
        del sys.modules["only_here"]
    assert {o.state for o in outcomes} == {State.FAILED}
    assert "only_here" in outcomes[0].error


def test_the_shared_value_goes_out_once_a_worker(dask, tmp_path, monkeypatch):
    """Counted are the times that it leaves the driver, and the times that a process opens it."""
    left = []
    plain = Parcel.__reduce_ex__
    monkeypatch.setattr(Parcel, "__reduce_ex__", lambda self, protocol: left.append(1) or plain(self, protocol))
    log = tmp_path / "log"
    shared = errands.Counted(str(log), 20_000_000)
    assert all(o.done for o in map(errands.weighed, grid(i=range(200)), shared=shared))
    opened = Counter(log.read_text().split())
    assert set(opened.values()) == {1}
    assert len(opened) <= 2
    assert 1 <= len(left) <= 4


def test_a_single_worker_computes_and_not_the_driver():
    with local_cluster(1), joblib.parallel_config(backend="dask"):
        outcomes = list(map(errands.same, grid(i=range(3))))
    assert {o.worker.rpartition(":")[2] for o in outcomes}.isdisjoint({str(os.getpid())})


def test_a_lost_scheduler_ends_the_call(tmp_path, monkeypatch):
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    monkeypatch.setattr(_backend, "_LOOK", 0.05)
    ledger = tmp_path / "l.sqlite"
    tasks = [{"i": i, "log": str(tmp_path / "log")} for i in range(100)]
    with local_cluster() as client, joblib.parallel_config(backend="dask"):
        outcomes = map(errands.slowly_noted, tasks, ledger=ledger, rng=0)
        done = [next(outcomes) for _ in range(5)]
        client.close()
        with pytest.raises(TaskError, match="lost its scheduler; start the cluster"):
            done += outcomes
    again = list(map(errands.slowly_noted, tasks, ledger=ledger, rng=0))
    assert sum(o.reused for o in again) >= len(done)
    assert all(o.done for o in again)


def test_a_cluster_without_workers_is_said():
    with local_cluster(0):
        with joblib.parallel_config(backend="dask", wait_for_workers_timeout=0.1):
            outcomes = map(errands.same, [{"i": 1}])
        with pytest.raises(TaskError, match=r"cannot compute on the backend dask: .*no worker"):
            next(outcomes)
