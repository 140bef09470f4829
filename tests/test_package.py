"""The package as a whole: cheap to import, documented, and true to its own conventions."""

import inspect
import json
import re
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

import inscape
from inscape.results import Result, _codec

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
PACKAGES = sorted(name for name in inscape.__all__ if isinstance(getattr(inscape, name), ModuleType))
HEAVY = {"torch", "numba", "matplotlib", "plotly", "sklearn", "pandas", "scipy", "jinja2", "rich"}


def public_callables(package: ModuleType) -> dict[str, object]:
    return {name: thing for name, thing in vars(package).items() if not name.startswith("_") and callable(thing)}


FUNCTIONS = [
    pytest.param(thing, id=f"{package}.{name}")
    for package in PACKAGES
    for name, thing in public_callables(import_module(f"inscape.{package}")).items()
    if inspect.isfunction(thing)
]


def modules_after(statement: str) -> set[str]:
    code = f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


def test_import_is_cheap():
    assert modules_after("import inscape") & HEAVY == set()


@pytest.mark.parametrize("package", ["geometry", "results"])
def test_torch_free_floors_import_no_torch(package):
    assert "torch" not in modules_after(f"import inscape.{package}")


def test_version_is_the_installed_one():
    assert inscape.__version__ == version("inscape")


def test_unknown_attribute_is_named():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        inscape.nonsense  # noqa: B018


def test_public_names_resolve_and_are_listed():
    assert set(inscape.__all__) <= set(dir(inscape))
    assert all(getattr(inscape, name) is not None for name in inscape.__all__)


def test_every_subpackage_folder_is_public_or_the_command_line():
    folders = {path.parent.name for path in (ROOT / "src" / "inscape").glob("*/__init__.py")}
    assert folders - {"cli"} == set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_public_things_are_documented(package):
    module = import_module(f"inscape.{package}")
    assert module.__doc__
    undocumented = [name for name, thing in public_callables(module).items() if not inspect.getdoc(thing)]
    assert undocumented == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_public_functions_take_at_most_three_positional_arguments(function):
    kinds = [p.kind for p in inspect.signature(function).parameters.values()]
    positional = [kind for kind in kinds if kind in {kind.POSITIONAL_ONLY, kind.POSITIONAL_OR_KEYWORD}]
    assert len(positional) <= 3
    assert len(kinds) <= 12


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_files_stay_small(path):
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize(("kind", "place"), sorted(_codec._KINDS.items()))
def test_every_file_kind_leads_to_its_class(kind, place):
    found = _codec._resolve(place)
    assert issubclass(found, Result)
    assert found.kind == kind
    assert found.__repr__ is Result.__repr__


@pytest.mark.parametrize(("name", "place"), sorted(_codec._TYPES.items()))
def test_every_file_type_leads_to_its_class(name, place):
    assert _codec._resolve(place).__name__ == name


def test_constraints_are_exact_and_name_no_place():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line)] == []
    assert "torch==2.13.0" in lines


def test_type_marker_is_shipped():
    assert (Path(inscape.__file__).parent / "py.typed").is_file()


def test_changelog_fragments_have_a_kind():
    names = [path.name for path in (ROOT / "changelog.d").glob("*") if path.name != "README.md"]
    assert names
    assert [name for name in names if not re.fullmatch(r"[a-z0-9-]+\.(added|changed|fixed|removed)\.md", name)] == []


def test_citation_names_this_version():
    assert f"version: {inscape.__version__}\n" in (ROOT / "CITATION.cff").read_text()
