"""The report's folder is whole or not there, and nothing foreign is ever replaced."""

import json
import os
from pathlib import Path

import pytest

from inscape import InscapeError
from inscape._errors import OutputError
from inscape.report._folder import FORMAT, building, check_folder


def fill(folder: Path, text: str = "new") -> None:
    (folder / "index.html").write_text(text)
    (folder / "numbers.json").write_text(json.dumps({"format": FORMAT}))
    (folder / "figures" / "a.png").write_bytes(b"png")


def entries(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


def build(target: Path, then: BaseException | None = None) -> None:
    with building(target) as folder:
        fill(folder)
        if then is not None:
            raise then


@pytest.mark.parametrize("deep", ["report", "a/b/report"])
def test_new_folder_appears_whole(tmp_path, deep):
    target = tmp_path / deep
    with building(target) as folder:
        fill(folder)
        assert not target.exists()
    assert entries(target) == ["figures", "index.html", "numbers.json"]
    assert entries(target.parent) == ["report"]


def test_an_empty_folder_may_be_used(tmp_path):
    target = tmp_path / "report"
    target.mkdir()
    with building(target) as folder:
        fill(folder)
    assert (target / "index.html").read_text() == "new"


def test_an_earlier_report_is_replaced(tmp_path):
    target = tmp_path / "report"
    for text in ("old", "new"):
        with building(target) as folder:
            fill(folder, text)
            (folder / "figures" / f"{text}.svg").write_text(text)
    assert (target / "index.html").read_text() == "new"
    assert entries(target / "figures") == ["a.png", "new.svg"]
    assert entries(tmp_path) == ["report"]


def test_an_error_half_way_keeps_the_old_report(tmp_path):
    target = tmp_path / "report"
    with building(target) as folder:
        fill(folder, "old")
    with pytest.raises(ZeroDivisionError):
        build(target, then=ZeroDivisionError())
    assert (target / "index.html").read_text() == "old"
    assert entries(tmp_path) == ["report"]


def test_an_interrupt_leaves_nothing_behind(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "report", then=KeyboardInterrupt())
    assert entries(tmp_path) == []


def foreign(target: Path, kind: str) -> None:
    target.mkdir()
    if kind == "no report":
        (target / "thesis.tex").write_text("years of work")
        return
    (target / "figures").mkdir()
    fill(target)
    if kind == "file beside":
        (target / "thesis.tex").write_text("years of work")
    elif kind == "file among the figures":
        (target / "figures" / "thesis.tex").write_text("years of work")
    elif kind == "another program's numbers":
        (target / "numbers.json").write_text('{"format": "other"}')
    elif kind == "damaged numbers":
        (target / "numbers.json").write_text('["format')


@pytest.mark.parametrize(
    "kind", ["no report", "file beside", "file among the figures", "another program's numbers", "damaged numbers"]
)
def test_a_foreign_folder_is_refused_and_intact(tmp_path, kind):
    target = tmp_path / "mine"
    foreign(target, kind)
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    with pytest.raises(OutputError, match="not of a report; choose an empty or a new folder"):
        check_folder(target)
    with pytest.raises(OutputError, match="not of a report"), building(target):
        pytest.fail("the block must not be entered")
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before


def test_a_folder_that_turns_foreign_meanwhile_is_kept(tmp_path):
    target = tmp_path / "report"
    building_folder = building(target)
    fill(building_folder.__enter__())
    target.mkdir()
    (target / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match="not of a report"):
        building_folder.__exit__(None, None, None)
    assert entries(target) == ["thesis.tex"]
    assert entries(tmp_path) == ["report"]


@pytest.mark.parametrize("under", ["", "sub", "sub/sub"])
def test_a_file_in_the_way_is_named(tmp_path, under):
    (tmp_path / "file").write_text("x")
    target = tmp_path / "file" / under
    with pytest.raises(OutputError, match="file"):
        check_folder(target)
    with pytest.raises(OutputError, match="file"), building(target):
        pytest.fail("the block must not be entered")
    assert (tmp_path / "file").read_text() == "x"


def test_a_full_disk_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="No space left"):
        build(tmp_path / "report", then=OSError(28, os.strerror(28)))
    assert entries(tmp_path) == []


def test_a_failed_swap_brings_the_old_report_back(tmp_path, monkeypatch):
    target = tmp_path / "report"
    with building(target) as folder:
        fill(folder, "old")
    real = os.replace

    def failing(source, destination):
        if Path(destination) == target and ".old" not in str(source):
            raise PermissionError(13, os.strerror(13))
        real(source, destination)

    monkeypatch.setattr("inscape.report._folder.os.replace", failing)
    with pytest.raises(OutputError, match="Permission denied"):
        build(target)
    assert (target / "index.html").read_text() == "old"
    assert entries(tmp_path) == ["report"]


def test_check_accepts_what_building_accepts(tmp_path):
    check_folder(tmp_path / "new" / "deep")
    check_folder(tmp_path)
    assert entries(tmp_path) == []
    assert issubclass(OutputError, InscapeError)
