"""A runner for the command line and a few models, made once."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from inscape.cli import main


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one call gave."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys) -> Callable[..., Answer]:
    """Call the command line in this process."""

    def call(*words: object) -> Answer:
        code = main([str(word) for word in words])
        found = capsys.readouterr()
        return Answer(code=code, out=found.out, err=found.err)

    return call


@pytest.fixture
def refused(run) -> Callable[..., str]:
    """Call the command line and expect one line of an error: no traceback, nothing on standard output."""

    def call(*words: object, code: int = 1) -> str:
        answer = run(*words)
        lines = answer.err.splitlines()
        assert answer.code == code, answer.err
        assert answer.out == ""
        assert lines[0].startswith("inscape: ")
        assert len(lines) == (1 if code == 1 else 2), answer.err
        return lines[0]

    return call


@pytest.fixture(scope="session")
def moons(tmp_path_factory) -> Path:
    """A model of two inputs, trained for a moment: ``moons.pt2`` and ``moons.history.npz``."""
    path = tmp_path_factory.mktemp("models") / "moons.pt2"
    assert main(["train", "mlp:8,8", "--data", "moons", "--epochs", "2", "-o", str(path)]) == 0
    return path
