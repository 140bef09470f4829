"""The verb: same answers in the same order on every backend, and clear words for what does not fit."""

from inspect import unwrap

import errands
import joblib
import numpy as np
import pytest
import torch

from inscape._errors import InputError, InputTypeError, TaskError
from inscape.network import model_fingerprint
from inscape.runs import State, grid, map


def test_values_come_in_the_order_of_tasks(backend):
    outcomes = list(map(errands.same, grid(i=range(50))))
    assert [outcome.value for outcome in outcomes] == list(range(50))
    assert {outcome.state for outcome in outcomes} == {State.DONE}
    assert {outcome.attempts for outcome in outcomes} == {1}


def test_results_are_bit_for_bit_those_of_the_serial_run(backend):
    tasks = grid(width=[3, 5], repeats=2)
    found = [outcome.value for outcome in map(errands.trained, tasks, rng=4)]
    with joblib.parallel_config(backend="sequential"):
        expected = [outcome.value for outcome in map(errands.trained, tasks, rng=4)]
    assert [array.tobytes() for array in found] == [array.tobytes() for array in expected]


def test_seeds_do_not_depend_on_backend_or_company(backend):
    alone = next(map(errands.seeded, [{"i": 7}], rng=3))
    among = list(map(errands.seeded, grid(i=range(9, -1, -1)), rng=3))[2]
    assert alone.options == among.options
    assert alone.seed == among.seed == alone.value["seed"]
    np.testing.assert_array_equal(alone.value["draw"], among.value["draw"])


def test_repeats_carry_replicates_and_seeds_of_their_own():
    outcomes = list(map(errands.seeded, grid(i=[0, 1], repeats=3), rng=0))
    assert [outcome.replicate for outcome in outcomes] == [0, 1, 2, 0, 1, 2]
    assert len({outcome.seed for outcome in outcomes}) == 6


def test_without_a_root_seed_one_is_drawn():
    first, second = (next(map(errands.seeded, [{"i": 0}])).seed for _ in range(2))
    assert first != second


def test_shared_value_reaches_every_task(backend):
    found = [o.value for o in map(errands.total, grid(i=range(5)), shared={"x": np.ones(1000)})]
    assert found == [1000.0 + i for i in range(5)]


def test_shared_model_stays_as_it_is(backend):
    model = torch.nn.Linear(3, 2)
    before = model_fingerprint(model)
    assert all(o.done for o in map(errands.marked, grid(i=range(3)), shared={"x": np.ones(3), "model": model}))
    assert model_fingerprint(model) == before


def test_a_task_that_writes_into_the_shared_value_spoils_only_a_copy(backend):
    x = np.arange(5.0)
    assert all(o.done for o in map(errands.spoiled, grid(i=range(4)), shared={"x": x}))
    np.testing.assert_array_equal(x, np.arange(5.0))


def test_a_failing_task_does_not_sink_the_others(backend):
    outcomes = list(map(errands.bad, grid(i=range(6))))
    assert [o.state for o in outcomes] == [State.FAILED if i == 3 else State.DONE for i in range(6)]
    failed = outcomes[3]
    assert failed.error == "ValueError: three is bad"
    assert failed.attempts == 2
    assert 'raise ValueError("three is\\nbad")' in failed.traceback
    assert "_work.py" not in failed.traceback
    with pytest.raises(TaskError, match="three is bad") as caught:
        _ = failed.value
    assert failed.worker in caught.value.__notes__[0]


@pytest.mark.parametrize(("retries", "attempts"), [(0, 1), (3, 4)])
def test_retries_are_counted(retries, attempts):
    assert next(map(errands.bad, [{"i": 3}], retries=retries)).attempts == attempts


def test_a_second_attempt_may_succeed(backend, tmp_path):
    (outcome,) = map(errands.second_time, [{"i": 1, "log": str(tmp_path / "log")}])
    assert (outcome.value, outcome.attempts) == (1, 2)


def test_an_exit_is_a_failure_like_any_other(backend):
    (outcome,) = map(errands.leaves, [{"i": 0}], retries=0)
    assert (outcome.state, outcome.error) == (State.FAILED, "SystemExit: 7")


def test_a_value_that_cannot_be_sent_is_the_task_s_failure(loky):
    outcomes = list(map(errands.unsendable, grid(i=range(3)), retries=0))
    assert {o.state for o in outcomes} == {State.FAILED}
    assert "pickle" in outcomes[0].error


@pytest.mark.parametrize("backend", ["serial", "loky", "threading", "dask"], indirect=True)
def test_local_functions_go_without_a_ledger(backend):
    offset = 10

    def add(i):
        return i + offset

    assert [o.value for o in map(add, grid(i=range(3)))] == [10, 11, 12]


def test_workers_use_one_thread_and_the_driver_keeps_its_own(loky):
    before = torch.get_num_threads()
    assert {o.value for o in map(errands.threads, grid(i=range(4)))} == {1}
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("backend", ["serial", "loky", "threading", "dask"], indirect=True)
def test_closing_the_iterator_stops_the_work(backend, tmp_path):
    log = tmp_path / "log"
    outcomes = map(errands.slowly_noted, [{"i": i, "log": str(log)} for i in range(400)])
    next(outcomes)
    outcomes.close()
    assert 1 <= len(log.read_text().splitlines()) < 400


def test_no_tasks_no_outcomes(backend):
    assert list(map(errands.same, [])) == []


def test_progress_is_told():
    class Tally:
        def __init__(self):
            self.total, self.done, self.stopped = 0.0, 0.0, False

        def start(self, description, total):
            self.total = total

        def advance(self, amount):
            self.done += amount

        def stop(self):
            self.stopped = True

    tally = Tally()
    list(map(errands.bad, grid(i=range(6)), progress=tally))
    assert (tally.total, tally.done, tally.stopped) == (6, 6, True)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: map(errands.same, [{"j": 1}]), "takes no option 'j', which task 0 has"),
        (lambda: map(errands.noted, [{"i": 1}]), "needs 'log', which task 0 lacks"),
        (lambda: map(errands.seeded, [{"i": 1, "rng": 3}]), "names .'rng'., which the run itself fills in"),
        (lambda: map(errands.same, [{"i": 1}], shared=3), "no parameter shared"),
        (lambda: map(errands.same, [{"i": 1}], retries=-1), "expected retries as an integer ≥ 0, got -1"),
        (lambda: map(errands.same, [{"i": 1}], timeout=0.0), "expected timeout as seconds > 0"),
        (lambda: map(errands.same, [{"i": 1}], rng=-5), "expected rng in 0"),
    ],
)
def test_what_does_not_fit_is_said_before_the_work(call, text):
    with pytest.raises(InputError, match=text):
        call()


@pytest.mark.parametrize(
    ("arguments", "options", "text"),
    [
        ((3, [{"i": 1}]), {}, "expected a function, got int"),
        ((errands.same, [{"i": {1, 2}}]), {}, "type set; what is large"),
        ((errands.same, [{"i": [1, {2: 3}]}]), {}, "the key 2 of task"),
        ((errands.same, [{"i": np.ones(2)}]), {}, "type ndarray"),
        ((errands.same, [{"i": 1}]), {"rng": np.random.default_rng(0)}, "expected rng as an int, or None"),
        ((errands.total, [{"i": 1}]), {"shared": (i for i in range(3))}, "shared value cannot be sent to workers"),
    ],
)
def test_wrong_types_are_named(arguments, options, text):
    with pytest.raises(InputTypeError, match=text):
        unwrap(map)(*arguments, **options)


def test_options_may_be_numpy_scalars():
    (outcome,) = map(errands.same, [{"i": np.int64(4)}])
    assert outcome.value == 4


@pytest.mark.parametrize("name", ["threading", "multiprocessing"])
def test_a_timeout_is_refused_where_it_cannot_be_kept(name):
    with joblib.parallel_config(backend=name, n_jobs=2), pytest.raises(InputError, match=f"not by {name}"):
        map(errands.same, [{"i": 1}], timeout=1.0)
