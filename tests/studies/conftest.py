"""The tiny study, put into the table of studies."""

import sys
from pathlib import Path

import pytest

from inscape.studies import _study

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(_study.STUDIES, "tiny", "errands_study:STUDY")
    return "tiny"
