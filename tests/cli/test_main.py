"""Exit codes, one-line errors, help and version of the command line."""

import os
import subprocess
import sys
from importlib.metadata import version

import pytest

from inscape.cli import main

COMMANDS = ("demo", "train", "regions count", "regions boundary", "report", "info")


def test_version(run):
    answer = run("--version")
    assert (answer.code, answer.out.strip()) == (0, version("inscape"))


def test_help_names_every_command_and_the_exit_codes(run):
    answer = run("--help")
    assert answer.code == 0
    assert all(f" {name.split()[0]} " in answer.out for name in COMMANDS)
    assert "130 interrupted" in answer.out
    assert "inscape demo --quick" in answer.out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_has_an_example(run, command):
    answer = run(*command.split(), "--help")
    assert answer.code == 0
    assert f"inscape {command} " in answer.out.split("Examples:")[1]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["trian"], "train"),
        (["train", "mlp"], "--out"),
        (["train", "mlp", "-o"], "-o requires"),
        (["train", "mlp", "-o", "m.pt2", "--epochs", "many"], "many"),
        (["regions", "count"], "MODEL"),
        (["regions", "count", "m.pt2", "--plane", "tangent"], "tangent"),
        (["info", "m.pt2", "--colour"], "--colour"),
    ],
)
def test_wrong_usage(refused, words, text):
    assert text in refused(*words, code=2)


def test_interrupt(run, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("inscape.cli._inputs.load_model", interrupted)
    answer = run("info", "m.pt2")
    assert (answer.code, answer.err) == (130, "inscape: interrupted\n")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("a\n  b"), MemoryError()])
def test_errors_of_the_machine_are_one_line(refused, monkeypatch, error):
    def failing(*_, **__):
        raise error

    monkeypatch.setattr("inscape.cli._inputs.load_model", failing)
    refused("info", "m.pt2")


def test_debug_shows_where_an_error_came_from(run, monkeypatch):
    monkeypatch.setenv("INSCAPE_DEBUG", "1")
    answer = run("info", "nowhere.npz")
    assert answer.code == 1
    assert "Traceback" in answer.err
    assert answer.err.splitlines()[-1].startswith("inscape: error: there is no file nowhere.npz")


def test_a_programming_error_is_not_hidden(monkeypatch):
    def wrong(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("inscape.cli._inputs.load_model", wrong)
    with pytest.raises(ZeroDivisionError):
        main(["info", "m.pt2"])


def test_as_a_process(tmp_path):
    command = [sys.executable, "-c", "import sys; from inscape.cli import main; sys.exit(main())", "info", "no.npz"]
    environment = {key: value for key, value in os.environ.items() if key != "INSCAPE_DEBUG"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "inscape: error: there is no file no.npz\n"


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from inscape.cli import main; main(['--help']); "
        "sys.exit(','.join({'torch', 'numba', 'plotly', 'matplotlib', 'sklearn', 'scipy'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
