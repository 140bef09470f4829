"""Reading, exporting and pruning a ledger."""

import csv
import json
from inspect import unwrap

import errands
import numpy as np
import pytest

from inscape._errors import FileFormatError, InputError, OutputError
from inscape.runs import State, export, grid, list_runs, map, outcomes, prune
from inscape.runs._ledger import files_of, open_ledger


@pytest.fixture
def ledger(tmp_path):
    """Four runs: numbers of which one failed, nestings with arrays, large arrays, a Result."""
    path = tmp_path / "l.sqlite"
    list(map(errands.bad, grid(i=range(5)), ledger=path, rng=0))
    list(map(errands.seeded, grid(i=[1], repeats=2), ledger=path, rng=7))
    list(map(errands.large, grid(i=range(3)), ledger=path, rng=0))
    list(map(errands.stored, grid(i=[2]), ledger=path, rng=0))
    return path


def test_runs_are_listed_with_what_became_of_their_tasks(ledger):
    runs = list_runs(ledger)
    assert [run.number for run in runs] == [1, 2, 3, 4]
    assert [run.function for run in runs] == [f"errands:{name}" for name in ("bad", "seeded", "large", "stored")]
    assert runs[0].counts == {State.DONE: 4, State.FAILED: 1}
    assert runs[1].root == 7
    assert all(run.created <= run.last for run in runs)
    assert all(run.seconds > 0 for run in runs)


def test_outcomes_are_those_of_the_call(ledger):
    called = list(map(errands.seeded, grid(i=[1], repeats=2), ledger=ledger, rng=7))
    read = list(outcomes(ledger, run=2))
    assert [(o.options, o.replicate, o.seed, o.state, o.worker) for o in read] == [
        (o.options, o.replicate, o.seed, o.state, o.worker) for o in called
    ]
    np.testing.assert_equal([o.value for o in read], [o.value for o in called])


def test_outcomes_can_be_chosen(ledger):
    assert [o.options["i"] for o in outcomes(ledger, state=State.FAILED)] == [3]
    assert [o.value for o in outcomes(ledger, run=1, state=State.DONE)] == [0, 1, 2, 4]
    assert len(list(outcomes(ledger))) == 11
    assert {type(o.result) for o in outcomes(ledger, run=3, values=False)} == {type(None)}
    with pytest.raises(InputError, match="there is no run 9"):
        list(outcomes(ledger, run=9))


def test_reading_changes_nothing(ledger):
    with open_ledger(ledger):
        pass
    before = ledger.read_bytes()
    list_runs(ledger)
    list(outcomes(ledger))
    assert ledger.read_bytes() == before


@pytest.mark.parametrize("read", [list_runs, lambda path: list(outcomes(path)), lambda path: prune(path, failed=True)])
def test_a_ledger_that_is_not_there_is_not_made(tmp_path, read):
    with pytest.raises(FileFormatError, match="there is no ledger"):
        read(tmp_path / "none.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_csv_has_a_row_a_task(ledger, tmp_path):
    with export(ledger, tmp_path / "t.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 11
    assert [row["value"] for row in rows[:4]] == ["0", "1", "2", "4"]
    failed = next(row for row in rows if row["state"] == "failed")
    assert (failed["i"], failed["error"], failed["attempts"]) == ("3", "ValueError: three is bad", "2")
    assert rows[5]["value.draw"] == "array 3 float64"
    assert rows[7]["value"] == "array 200000 int8"
    assert rows[10]["value.kind"] == "history"


def test_json_is_strict_and_complete(ledger, tmp_path):
    rows = json.loads(export(ledger, tmp_path / "t.json", run=2).read_text())
    found = list(outcomes(ledger, run=2))
    assert [row["value.seed"] for row in rows] == [o.value["seed"] for o in found]
    assert [row["seconds"] for row in rows] == [o.seconds for o in found]


def test_parquet_can_be_read_again(ledger, tmp_path):
    import pandas

    frame = pandas.read_parquet(export(ledger, tmp_path / "t.parquet", run=2))
    assert frame["seed"].tolist() == [o.seed for o in outcomes(ledger, run=2)]


def test_what_cannot_be_exported_is_said(ledger, tmp_path):
    with pytest.raises(InputError, match=r"expected a file that ends in \.csv, \.json, \.parquet, got"):
        export(ledger, tmp_path / "t.xlsx")
    with pytest.raises(OutputError, match="cannot write"):
        export(ledger, tmp_path / "no" / "t.csv")


def test_failures_go_and_good_ones_stay(ledger):
    assert prune(ledger, failed=True, dry_run=True).tasks == 1
    assert len(list(outcomes(ledger))) == 11
    assert prune(ledger, failed=True).tasks == 1
    assert len(list(outcomes(ledger, state=State.DONE))) == len(list(outcomes(ledger))) == 10


def test_a_run_goes_with_its_files(ledger):
    (files_of(ledger) / "stray.npz").write_bytes(b"12345")
    gone = prune(ledger, run=3)
    assert (gone.runs, gone.tasks, gone.files) == (1, 3, 4)
    assert gone.size > 600_000
    assert list(files_of(ledger).iterdir()) == []
    assert [run.number for run in list_runs(ledger)] == [1, 2, 4]


def test_orphans_alone(ledger):
    stray = files_of(ledger) / "stray.npz"
    stray.write_bytes(b"12345")
    assert (prune(ledger, orphans=True).files, stray.exists()) == (1, False)
    assert [int(o.value[0]) for o in outcomes(ledger, run=3)] == [0, 1, 2]


def test_age_counts_from_the_end_of_a_task(ledger):
    assert prune(ledger, older_than=1.0).tasks == 0
    assert prune(ledger, older_than=0.0).tasks == 11
    assert list_runs(ledger) == []


def test_pruned_tasks_are_computed_again(ledger):
    prune(ledger, run=1)
    assert {o.reused for o in map(errands.bad, grid(i=range(5)), ledger=ledger, rng=0)} == {False}


def test_pruning_waits_for_nobody(ledger):
    with open_ledger(ledger) as other:
        other._connection.execute("begin immediate")
        with pytest.raises(OutputError, match="locked by another process"):
            prune(ledger, failed=True)
        other._connection.execute("rollback")


@pytest.mark.parametrize(
    ("options", "text"),
    [({}, "to say what is to go"), ({"run": 9}, "there is no run 9"), ({"older_than": -1.0}, "days ≥ 0, got -1")],
)
def test_what_is_to_go_must_be_said(ledger, options, text):
    with pytest.raises(InputError, match=text):
        unwrap(prune)(ledger, **options)
