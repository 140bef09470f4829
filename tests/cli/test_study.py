"""``inscape study``."""

import json
import sys
from pathlib import Path

import pytest

from inscape.studies import _study

STUDIES = str(Path(__file__).parents[1] / "studies")
if STUDIES not in sys.path:
    sys.path.insert(0, STUDIES)  # before worker processes start, which get this path, too


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(_study.STUDIES, "tiny", "errands_study:STUDY")
    return "tiny"


def test_without_a_name_the_studies_are_listed(run):
    assert "capacity" in run("study").out
    assert "capacity" in json.loads(run("study", "--json").out)["studies"]


@pytest.mark.parametrize(
    "words", [("--workers", 1), ("--workers", 2), ("--backend", "threading"), ("--backend", "dask")]
)
def test_a_study_runs_on_a_backend(run, tiny, tmp_path, words):
    answer = run("study", tiny, "--quick", "-o", tmp_path / "s", "--json", *words)
    found = json.loads(answer.out)
    assert (answer.code, found["tasks"], found["without a value"]) == (1, 4, 1)
    assert Path(found["page"]).is_file()


def test_failures_say_where_to_look_and_resume_goes_on(run, refused, tiny, tmp_path):
    text = run("study", tiny, "-o", tmp_path / "s", "--workers", 1).out
    assert "inscape runs show" in text
    assert "add --resume" in refused("study", tiny, "-o", tmp_path / "s", "--workers", 1)
    again = json.loads(run("study", tiny, "-o", tmp_path / "s", "--workers", 1, "--resume", "--json").out)
    assert again["from the ledger"] == 5


def test_an_interrupted_study_says_how_to_go_on(run, tiny, tmp_path, monkeypatch):
    from inscape import runs

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "map", interrupted)
    answer = run("study", tiny, "-o", tmp_path / "s", "--workers", 1)
    assert answer.code == 130
    assert "add --resume to go on" in answer.err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("none",), "there is no study 'none'"),
        (("capacity", "--workers", "0"), "expected --workers ≥ 1"),
        (("capacity", "--backend", "magic"), "expected --backend as one of serial, loky"),
        (("capacity", "--backend", "loky", "--address", "tcp://x:1"), "does not go with --backend loky"),
        (("capacity", "--backend", "spark"), "needs the package 'joblibspark'"),
    ],
)
def test_errors_are_one_line(refused, words, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert text in refused("study", *words)
    assert list(tmp_path.iterdir()) == []
