"""The shipped table: written, read, and refused where it is none."""

import json

import pytest

from inscape._errors import FileFormatError
from inscape.results import Provenance
from inscape.testing.faults import Row, rows
from inscape.testing.faults._table import read_rows, write_rows

ROW = Row(
    key="a", kind="healthy", split="design", accuracy=0.97, epochs=None, reference=0.98, still=0, start=2.3,
    twin_accuracy=0.97, twin_epochs=3.5, borne_out=True,
)  # fmt: skip


def test_what_is_written_is_read(tmp_path):
    write_rows([ROW, ROW], tmp_path / "t.json", provenance=Provenance(function="test"))
    assert read_rows(tmp_path / "t.json") == (ROW, ROW)
    assert json.loads((tmp_path / "t.json").read_text())["provenance"]["function"] == "test"


@pytest.mark.parametrize("text", ["", "{}", '{"format": "x", "rows": []}', '{"format": "x", "rows": [{"key": 1}]}'])
def test_other_files_are_refused(text, tmp_path):
    path = tmp_path / "t.json"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=r"is no table of outcomes|has the format 'x'"):
        read_rows(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileFormatError, match=r"none\.json is no table"):
        read_rows(tmp_path / "none.json")


def test_the_shipped_rows_are_whole():
    for row in rows().values():
        assert 0 <= row.accuracy <= 1
        assert row.epochs is None or 0 < row.epochs <= 30
        assert 0.8 < row.reference <= 1
