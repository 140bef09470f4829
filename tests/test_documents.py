"""The examples in the texts run as they stand, and the texts lead to files that exist."""

import re
import shlex
from pathlib import Path

import pytest

from inscape.cli._main import _app

ROOT = Path(__file__).parents[1]
TEXTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "benchmarks").glob("*.md")])


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", ["README.md", "docs/quickstart.md", "docs/building.md", "docs/tracking.md"])
def test_python_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    examples = blocks((ROOT / name).read_text(encoding="utf-8"), "python")
    assert examples
    namespace = {}
    for example in examples:
        exec(compile(example, name, "exec"), namespace)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(path):
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_make_targets_in_texts_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = {name for path in TEXTS for name in re.findall(r"`make ([a-z-]+)", path.read_text(encoding="utf-8"))}
    assert named
    assert named <= targets


@pytest.mark.parametrize("name", ["README.md", "docs/quickstart.md", "docs/building.md"])
def test_commands_are_understood(name):
    lines = "\n".join(blocks((ROOT / name).read_text(encoding="utf-8"), "sh")).splitlines()
    commands = [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("inscape ")]
    assert commands
    for command in commands:
        found, arguments, _ = _app().parse_args(command, exit_on_error=False, print_error=False)
        assert found.__name__
        assert arguments.arguments
