"""Crash and resume: finished work is never done twice, and the end is that of an undisturbed run."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from itertools import islice
from pathlib import Path

import errands
import joblib
import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import ENVIRONMENT, HERE, local_cluster

from inscape._errors import FileFormatError, InputTypeError, OutputError
from inscape.runs import State, grid, map
from inscape.runs._ledger import Ledger


def table(ledger):
    """Everything in the ledger that does not tell of time and place."""
    with sqlite3.connect(ledger) as connection:
        columns = "function, root, options, replicate, seed, state, form, value, file, error"
        found = connection.execute(f"select {columns} from tasks join runs on run = id order by options, replicate")
        return found.fetchall()


def test_a_second_call_computes_nothing(backend, tmp_path):
    log, ledger = tmp_path / "log", tmp_path / "l.sqlite"
    tasks = [{"i": i, "log": str(log)} for i in range(30)]
    first = list(map(errands.noted, tasks, ledger=ledger, rng=0))
    second = list(map(errands.noted, tasks, ledger=ledger, rng=0))
    assert [o.value for o in first] == [o.value for o in second] == [i * i for i in range(30)]
    assert ({o.reused for o in first}, {o.reused for o in second}) == ({False}, {True})
    assert sorted(map_int(log)) == list(range(30))


def map_int(log):
    return [int(line) for line in Path(log).read_text().split()]


def test_new_tasks_join_old_ones(tmp_path):
    ledger = tmp_path / "l.sqlite"
    list(map(errands.seeded, grid(i=[1, 3], repeats=2), ledger=ledger, rng=5))
    outcomes = list(map(errands.seeded, grid(i=[0, 1, 2, 3], repeats=3), ledger=ledger, rng=5))
    assert [o.reused for o in outcomes] == [False] * 3 + [True, True, False] + [False] * 3 + [True, True, False]
    alone = [o.value for o in map(errands.seeded, grid(i=[0, 1, 2, 3], repeats=3), rng=5)]
    np.testing.assert_equal([o.value for o in outcomes], alone)


@pytest.mark.parametrize("value", [errands.large, errands.stored, errands.seeded])
def test_values_come_back_as_they_were(tmp_path, value):
    ledger = tmp_path / "l.sqlite"
    first, second = ([o.value for o in map(value, grid(i=[1, 2]), ledger=ledger, rng=0)] for _ in range(2))
    if value is errands.stored:
        first, second = ([history.state() for history in found] for found in (first, second))
    np.testing.assert_equal(first, second)


def test_what_a_value_depends_on_makes_another_run(tmp_path):
    ledger = tmp_path / "l.sqlite"

    def reused(function, **options):
        return next(map(function, [{"i": 1}], ledger=ledger, **options)).reused

    shared = {"x": np.ones(3)}
    assert [reused(errands.total, shared=shared, rng=0) for _ in range(2)] == [False, True]
    assert reused(errands.total, shared={"x": np.ones(3)}, rng=0)
    assert not reused(errands.total, shared={"x": np.ones(4)}, rng=0)
    assert not reused(errands.total, shared=shared, rng=1)
    assert not reused(errands.same, rng=0)


def test_a_changed_source_makes_another_run(tmp_path, monkeypatch):
    module = tmp_path / "changing.py"
    monkeypatch.syspath_prepend(str(tmp_path))
    values = []
    for text in ("return i", "return i + 1", "return i + 1"):
        module.write_text(f"def work(i):\n    {text}  # {len(values) // 2}\n")
        os.utime(module, (len(values), len(values)))
        sys.modules.pop("changing", None)
        import changing

        (outcome,) = map(changing.work, [{"i": 1}], ledger=tmp_path / "l.sqlite", rng=0)
        values.append((outcome.value, outcome.reused))
    assert [value for value, _ in values] == [1, 2, 2]
    assert [again for _, again in values[:2]] == [False, False]


def test_the_ledger_keeps_the_root_seed(tmp_path):
    first, second = (next(map(errands.seeded, [{"i": 1}], ledger=tmp_path / "l.sqlite")) for _ in range(2))
    other = next(map(errands.seeded, [{"i": 1}], ledger=tmp_path / "m.sqlite"))
    assert (second.reused, second.seed) == (True, first.seed)
    assert other.seed != first.seed


def test_failures_are_tried_again_and_good_ones_are_not(tmp_path):
    log, ledger = tmp_path / "log", tmp_path / "l.sqlite"
    task = [{"i": 4, "log": str(log)}]
    assert next(map(errands.second_time, task, ledger=ledger, retries=0)).state is State.FAILED
    for reused in (False, True):
        outcome = next(map(errands.second_time, task, ledger=ledger, retries=0))
        assert (outcome.value, outcome.reused) == (4, reused)


def test_a_value_that_cannot_be_kept_is_the_task_s_failure(tmp_path):
    (outcome,) = map(errands.strange, [{"i": 1}], ledger=tmp_path / "l.sqlite", retries=0)
    assert "the value['deep'][0] is of type set, which a ledger cannot keep" in outcome.error


def test_a_lost_value_is_computed_again(tmp_path):
    ledger = tmp_path / "l.sqlite"
    list(map(errands.large, grid(i=range(3)), ledger=ledger))
    min((tmp_path / "l.sqlite.files").iterdir()).unlink()
    outcomes = list(map(errands.large, grid(i=range(3)), ledger=ledger))
    assert sorted(o.reused for o in outcomes) == [False, True, True]
    assert [int(o.value[0]) for o in outcomes] == [0, 1, 2]


def nested():
    def work(i):
        return i

    return work


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda i: i, "is a lambda; with a ledger it must stand at the top level"),
        (nested(), "is defined inside of another function"),
        (errands.Counted, "expected a plain function for a run with a ledger, got type"),
    ],
)
def test_functions_that_could_not_be_found_again_are_refused(tmp_path, function, text):
    tasks = [{"log": "", "size": 1}] if function is errands.Counted else [{"i": 1}]
    with pytest.raises(InputTypeError, match=text):
        map(function, tasks, ledger=tmp_path / "l.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_shared_values_without_a_fingerprint_are_refused(tmp_path):
    with pytest.raises(InputTypeError, match=r"shared\['x'\] is of type builtins.object, which has no fingerprint"):
        map(errands.total, [{"i": 1}], shared={"x": object()}, ledger=tmp_path / "l.sqlite")


def test_a_foreign_ledger_is_refused_at_the_call(tmp_path):
    path = tmp_path / "l.sqlite"
    path.write_text("my diary\n" * 100)
    with pytest.raises(FileFormatError, match="is no ledger"):
        map(errands.same, [{"i": 1}], ledger=path)


@settings(max_examples=25)
@given(cuts=st.lists(st.tuples(st.integers(0, 14), st.integers(0, 2), st.integers(0, 9)), max_size=5))
def test_any_interleaving_of_crash_and_resume_ends_in_the_same_table(tmp_path_factory, cuts):
    """Calls that are cut short after some outcomes, on some of the tasks, in turned order, with two drivers at once."""
    tasks = grid(i=range(6), repeats=2)
    folder = tmp_path_factory.mktemp("interleaved")
    list(map(errands.bad, tasks, ledger=folder / "straight.sqlite", rng=1, retries=0))
    disturbed = folder / "disturbed.sqlite"
    for stop, manner, turn in cuts:
        part = tasks[turn % 3 :] if manner == 1 else tasks
        part = sorted(part, key=lambda task: (task["i"] * 7 + turn) % 6) if manner == 2 else part
        outcomes = map(errands.bad, part, ledger=disturbed, rng=1, retries=0)
        list(islice(outcomes, stop))
        if turn % 2:
            list(islice(map(errands.bad, tasks, ledger=disturbed, rng=1, retries=0), turn))
        outcomes.close()
    list(map(errands.bad, tasks, ledger=disturbed, rng=1, retries=0))
    assert table(disturbed) == table(folder / "straight.sqlite")


DRIVER = """
import signal, sys
sys.path.insert(0, {here!r})
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell starts in the background
import errands, joblib
from inscape.runs import map
if __name__ == "__main__":
    address = sys.argv[1]
    if address:
        from distributed import Client
        client = Client(address)
    options = dict(backend="dask") if address else dict(backend="loky", n_jobs=2)
    tasks = [dict(i=i, log={log!r}) for i in range(120)]
    with joblib.parallel_config(**options):
        for outcome in map(errands.slowly_noted, tasks, ledger={ledger!r}, rng=1):
            pass
"""


@pytest.mark.parametrize("place", ["loky", "dask"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_driver_that_loses_a_worker_and_is_then_stopped_goes_on(tmp_path, place, how):
    log, ledger, script = tmp_path / "log", tmp_path / "l.sqlite", tmp_path / "driver.py"
    script.write_text(DRIVER.format(here=HERE, log=str(log), ledger=str(ledger)))
    if place == "dask":
        with local_cluster() as client:
            victims = list(client.run(os.getpid).values())
            finished = stopped(script, ledger, client.scheduler.address, how, victim=lambda _: victims[0])
    else:
        finished = stopped(script, ledger, "", how, victim=one_of_loky)
    assert 0 < len(finished) < 120
    before = Counter(map_int(log))
    tasks = [{"i": i, "log": str(log)} for i in range(120)]
    with joblib.parallel_config(backend="loky", n_jobs=2):
        outcomes = list(map(errands.slowly_noted, tasks, ledger=ledger, rng=1))
    assert [o.value for o in outcomes] == [{"i": i, "seed": outcomes[i].seed} for i in range(120)]
    assert len(table(ledger)) == 120
    after = Counter(map_int(log))
    assert {i for i in range(120) if after[i] > before[i]}.isdisjoint(finished)
    straight = tmp_path / "straight.sqlite"
    list(map(errands.slowly_noted, tasks, ledger=straight, rng=1))
    assert table(ledger) == table(straight)


def test_two_drivers_on_one_ledger_both_finish_and_double_nothing(tmp_path):
    log, ledger, script = tmp_path / "log", tmp_path / "l.sqlite", tmp_path / "driver.py"
    script.write_text(DRIVER.format(here=HERE, log=str(log), ledger=str(ledger)))
    both = [subprocess.Popen([sys.executable, str(script), ""], env=ENVIRONMENT) for _ in range(2)]
    assert [process.wait(timeout=90) for process in both] == [0, 0]
    assert numbers(ledger) == set(range(120))
    assert len(table(ledger)) == 120


@pytest.mark.parametrize("backend", ["serial", "loky", "threading"], indirect=True)
def test_a_ledger_that_cannot_be_written_ends_the_call_and_keeps_what_it_has(backend, tmp_path, monkeypatch):
    ledger, tasks = tmp_path / "l.sqlite", grid(i=range(200))
    written = []
    record = Ledger.record

    def until_full(self, run, row):
        if len(written) == 7:
            raise OutputError("the disk is full; what was recorded so far is intact")
        written.append(row.key)
        record(self, run, row)

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "record", until_full)
        with pytest.raises(OutputError, match="the disk is full"):
            list(map(errands.same, tasks, ledger=ledger, rng=0))
    outcomes = list(map(errands.same, tasks, ledger=ledger, rng=0))
    assert [o.value for o in outcomes] == list(range(200))
    assert sum(o.reused for o in outcomes) == 7


def one_of_loky(driver):
    """A worker of a driver in another process."""
    children = psutil.Process(driver).children(recursive=True)
    return next(child.pid for child in children if "popen_loky" in " ".join(child.cmdline()))


def stopped(script, ledger, address, how, *, victim):
    """Start a driver, kill one of its workers, then stop the driver itself; says which rows there are."""
    process = subprocess.Popen(
        [sys.executable, str(script), address], env=ENVIRONMENT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    wait_for(ledger, 10)
    os.kill(victim(process.pid), signal.SIGKILL)
    wait_for(ledger, 40)
    process.send_signal(how)
    process.wait(timeout=60)
    time.sleep(0.5)  # workers end what they have in hand
    return numbers(ledger)


def wait_for(ledger, rows):
    until = time.monotonic() + 60
    while len(numbers(ledger)) < rows and time.monotonic() < until:
        time.sleep(0.02)


def numbers(ledger):
    if not ledger.exists():
        return set()
    try:
        with sqlite3.connect(f"{ledger.as_uri()}?mode=ro", uri=True) as connection:
            return {int(i) for (i,) in connection.execute("select json_extract(value, '$.i') from tasks")}
    except sqlite3.OperationalError:
        return set()
