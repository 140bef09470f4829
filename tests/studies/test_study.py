"""The shell of studies: ledger, page, resume."""

import json

import pytest

from inscape import runs, studies
from inscape._errors import InputError, OutputError
from inscape.studies import Study, StudyReport


def test_studies_are_listed_and_described():
    assert "capacity" in studies.names()
    found = studies.describe("capacity")
    assert isinstance(found, Study)
    assert found.name == "capacity"
    assert found.question.endswith("?")
    with pytest.raises(InputError, match="there is no study 'none'; there are: capacity"):
        studies.describe("none")


def test_a_study_leaves_a_page_and_a_ledger(tiny, tmp_path):
    done = studies.run(tiny, out=tmp_path / "deep" / "study", quick=True, rng=3)
    assert isinstance(done, StudyReport)
    assert (done.tasks, done.failed, done.reused) == (4, 1, 0)
    (run,) = runs.list_runs(done.ledger)
    assert (run.root, run.counts) == (3, {runs.State.DONE: 3, runs.State.FAILED: 1})
    page = done.page.read_text()
    assert "What is the sum?" in page
    assert "two does not work" in page
    (part,) = json.loads((done.page.parent / "numbers.json").read_text())["parts"]
    assert part["sections"]["numbers"]["headline"] == {"sum": 4}
    assert part["sections"]["provenance"]["options"] == {"root seed": 3, "quick": True}


def test_finished_work_is_not_overrun_and_goes_on_when_asked(tiny, tmp_path):
    first = studies.run(tiny, out=tmp_path / "study", quick=True)
    before = first.page.read_bytes()
    with pytest.raises(InputError, match=r"holds 3 finished tasks; add --resume"):
        studies.run(tiny, out=tmp_path / "study", quick=True)
    assert first.page.read_bytes() == before
    more = studies.run(tiny, out=tmp_path / "study", resume=True)
    assert (more.tasks, more.reused, more.failed) == (6, 3, 1)


def test_same_seed_same_numbers(tiny, tmp_path):
    found = []
    for folder in ("a", "b"):
        done = studies.run(tiny, out=tmp_path / folder)
        found.append([(o.options, o.result) for o in runs.outcomes(done.ledger)])
    assert found[0] == found[1]


def test_a_folder_that_cannot_be_used_is_said_before_the_work(tiny, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot make"):
        studies.run(tiny, out=tmp_path / "file" / "study")
    (tmp_path / "study" / "page").mkdir(parents=True)
    (tmp_path / "study" / "page" / "diary.txt").write_text("mine")
    with pytest.raises(OutputError):
        studies.run(tiny, out=tmp_path / "study")
    assert not (tmp_path / "study" / "ledger.sqlite").exists()
