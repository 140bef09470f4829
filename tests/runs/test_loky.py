"""Local processes: workers that are killed, tasks that do not end, and what travels."""

import os
from collections import Counter

import errands
import joblib
import pytest

from inscape.runs import State, grid, map
from inscape.runs._limits import can_interrupt


def states(outcomes):
    return {o.options["i"]: o.state for o in outcomes if o.state is not State.DONE}


@pytest.mark.parametrize("poison", [[5], [0], [0, 1, 2], [3, 17, 39]])
def test_tasks_that_kill_their_worker_are_named_and_the_others_finish(loky, poison):
    outcomes = list(map(errands.deadly, [{"i": i, "poison": poison} for i in range(40)]))
    assert states(outcomes) == dict.fromkeys(poison, State.KILLED)
    assert [o.value for o in outcomes if o.done] == [i for i in range(40) if i not in poison]
    killed = outcomes[poison[0]]
    assert killed.attempts == 2
    assert "SIGKILL" in killed.error


def test_with_a_ledger_the_dead_are_recorded_and_tried_again_in_a_later_call(loky, tmp_path):
    ledger = tmp_path / "l.sqlite"
    tasks = [{"i": i, "poison": [2]} for i in range(6)]
    for _ in range(2):
        outcomes = list(map(errands.deadly, tasks, ledger=ledger, retries=0))
        assert states(outcomes) == {2: State.KILLED}
        assert outcomes[2].attempts == 1
    assert [o.reused for o in outcomes] == [i != 2 for i in range(6)]


@pytest.mark.parametrize("backend", ["serial", "loky"], indirect=True)
def test_a_task_that_takes_too_long_is_stopped(backend):
    outcomes = list(map(errands.slow, grid(i=range(4)), timeout=0.3))
    assert states(outcomes) == {2: State.TIMED_OUT}
    assert outcomes[2].error == "more than 0.3 s"
    assert "time.sleep(60)" in outcomes[2].traceback
    assert outcomes[2].attempts == 2


def test_a_task_that_does_not_hear_the_alarm_loses_its_process(loky):
    outcomes = list(map(errands.deaf, grid(i=range(6)), timeout=0.3, retries=0))
    assert states(outcomes) == {2: State.TIMED_OUT}
    assert "did not react" in outcomes[2].error
    assert "errands.py" in outcomes[2].traceback
    assert outcomes[2].attempts == 1


def test_the_driver_s_own_alarm_is_put_back():
    import signal

    def own(number, frame):
        raise AssertionError

    before = signal.signal(signal.SIGALRM, own)
    try:
        list(map(errands.slow, [{"i": 0}], timeout=5.0))
        assert signal.getsignal(signal.SIGALRM) is own
        assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
        assert can_interrupt()
    finally:
        signal.signal(signal.SIGALRM, before)


def test_the_shared_value_is_opened_once_a_worker(loky, tmp_path):
    log = tmp_path / "log"
    shared = errands.Counted(str(log), 20_000_000)
    assert all(o.done for o in map(errands.weighed, grid(i=range(200)), shared=shared))
    opened = Counter(log.read_text().split())
    assert str(os.getpid()) not in opened
    assert len(opened) <= 2
    assert set(opened.values()) == {1}


def test_nothing_is_left_in_the_temporary_folder(loky, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    list(map(errands.total, grid(i=range(4)), shared={"x": errands.large(1)}, timeout=9.0))
    assert list(tmp_path.glob("inscape-*")) == []


def test_a_backend_that_cannot_compute_says_so(monkeypatch):
    from joblib._parallel_backends import LokyBackend

    from inscape._errors import TaskError

    def refuses(*_, **__):
        raise RuntimeError("no processes today")

    monkeypatch.setattr(LokyBackend, "configure", refuses)
    with (
        joblib.parallel_config(backend="loky", n_jobs=2),
        pytest.raises(TaskError, match=r"loky: .*no processes today"),
    ):
        list(map(errands.same, grid(i=range(4))))


def test_workers_that_always_die_end_the_run(loky, monkeypatch):
    from inscape._errors import TaskError
    from inscape.runs import _rounds

    monkeypatch.setattr(_rounds, "_FRUITLESS", 2)
    tasks = [{"i": i, "poison": list(range(40))} for i in range(40)]
    with pytest.raises(TaskError, match="no task ended in 2 attempts, and workers died each time"):
        list(map(errands.deadly, tasks))
