"""``inscape runs`` list, show, export and prune."""

import json

import pytest

from inscape.runs import grid, map


def share(i, rng):
    """A task of which one fails."""
    if i == 2:
        raise ValueError("two is too much")
    return {"half": i / 2, "seed": rng}


@pytest.fixture
def ledger(tmp_path):
    path = tmp_path / "l.sqlite"
    list(map(share, grid(i=range(4), repeats=2), ledger=path, rng=0))
    return path


def test_list_counts_tasks(run, ledger):
    answer = run("runs", "list", ledger)
    assert answer.code == 0
    assert ":share" in answer.out
    (found,) = json.loads(run("runs", "list", ledger, "--json").out)["runs"]
    assert (found["done"], found["not done"], found["root"]) == (6, 2, "0")


def test_show_tells_how_tasks_ended(run, ledger):
    text = run("runs", "show", ledger, "--limit", 3).out
    assert "3 of 8; --limit 0 shows all" in text
    tasks = json.loads(run("runs", "show", ledger, "--state", "failed", "--json").out)["tasks"]
    assert [(task["i"], task["replicate"]) for task in tasks] == [(2, 0), (2, 1)]
    assert "two is too much" in tasks[0]["traceback"]


def test_a_single_failure_is_shown_with_its_traceback(run, ledger):
    assert "Traceback" not in run("runs", "show", ledger).out
    text = run("runs", "show", ledger, "--state", "failed", "--limit", 1).out
    assert "Traceback" in text
    assert 'raise ValueError("two is too much")' in text


def test_export_writes_the_table(run, ledger, tmp_path):
    assert run("runs", "export", ledger, "-o", tmp_path / "t.json").code == 0
    rows = json.loads((tmp_path / "t.json").read_text())
    assert sorted(row["value.half"] for row in rows if row["state"] == "done") == [0, 0, 0.5, 0.5, 1.5, 1.5]


def test_prune_says_what_it_does(run, ledger):
    assert "Would be removed" in run("runs", "prune", ledger, "--failed", "--dry-run").out
    gone = json.loads(run("runs", "prune", ledger, "--failed", "--json").out)
    assert gone == {"runs": 0, "tasks": 2, "files": 0, "bytes": 0, "dry_run": False}
    assert json.loads(run("runs", "list", ledger, "--json").out)["runs"][0]["not done"] == 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("list", "{folder}/none.sqlite"), "there is no ledger"),
        (
            ("show", "{ledger}", "--state", "odd"),
            "expected --state as one of done, failed, timed_out, killed, got 'odd'",
        ),
        (("show", "{ledger}", "--limit", "-1"), "expected --limit ≥ 0"),
        (("show", "{ledger}", "--run", "7"), "there is no run 7"),
        (("prune", "{ledger}"), "say what is to go"),
        (("export", "{ledger}", "-o", "{folder}/t.txt"), "expected a file that ends in"),
    ],
)
def test_errors_are_one_line(refused, ledger, words, text):
    given = [word.format(ledger=ledger, folder=ledger.parent) for word in words]
    assert text in refused("runs", *given)


def test_help_names_the_commands(run):
    text = run("runs", "--help").out
    assert all(name in text for name in ("list", "show", "export", "prune", "LEDGER"))
