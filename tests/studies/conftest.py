"""The tiny study, put into the table of studies."""

import sys
from pathlib import Path

import pytest

from inscape.studies import _study

HERE = str(Path(__file__).parent)


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setitem(_study.STUDIES, "tiny", "errands_study:STUDY")
    yield "tiny"
    sys.modules.pop("errands_study", None)
