"""Private helpers that everything stands on."""

import io
from inspect import unwrap
from itertools import pairwise

import numpy as np
import pytest
from rich.console import Console

from inscape import _citation, _errors, _optional, _progress
from inscape._rng import draw_seed, generator

ERRORS = [getattr(_errors, name) for name in vars(_errors) if name.endswith("Error") and name != "InscapeError"]


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_is_ours_and_a_builtin_one(error):
    builtin = (ValueError, TypeError, OSError, ImportError, RuntimeError)
    assert issubclass(error, _errors.InscapeError)
    assert issubclass(error, builtin)


def test_warning_can_be_filtered_as_user_warning():
    assert issubclass(_errors.InscapeWarning, UserWarning)


@pytest.mark.parametrize("seed", [0, 7, np.int64(7)])
def test_same_seed_same_numbers(seed):
    assert (unwrap(generator)(seed).random(5) == unwrap(generator)(seed).random(5)).all()


def test_generator_is_passed_through_and_advanced():
    rng = np.random.default_rng(1)
    assert generator(rng) is rng
    first, second = generator(rng).random(), generator(rng).random()
    assert first != second


def test_fresh_entropy_differs():
    assert generator(None).integers(2**62) != generator(None).integers(2**62)


def test_global_random_state_is_not_touched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the state that must stay as it is
    generator(3).random(10)
    draw_seed(None)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


@pytest.mark.parametrize("wrong", [True, 1.5, "seed", [1]])
def test_wrong_rng_is_named(wrong):
    with pytest.raises(_errors.InputTypeError, match=f"got {type(wrong).__name__}"):
        unwrap(generator)(wrong)


def test_drawn_seed_is_the_int_itself_or_reproducible():
    assert draw_seed(12) == 12
    assert draw_seed(np.random.default_rng(5)) == draw_seed(np.random.default_rng(5))
    assert 0 <= draw_seed(None) < 2**63


def test_optional_module_is_imported():
    assert _optional.require("json.decoder", "tables").__name__ == "json.decoder"


def test_missing_module_names_package_and_extra():
    with pytest.raises(_errors.DependencyError, match=r"'no_such_package'.*pip install 'inscape\[tables\]'"):
        _optional.require("no_such_package.part", "tables")


def test_every_work_is_bibtex_under_a_key():
    text = _citation.bibtex(*_citation.WORKS)
    assert text.count("@") == len(_citation.WORKS)
    assert text.count("{") == text.count("}")
    assert all("title" in entry and "year" in entry and "author" in entry for entry in _citation.WORKS.values())


class Recording:
    """A caller's own meter."""

    def __init__(self):
        self.calls = []

    def start(self, description, total):
        self.calls.append(("start", description, total))

    def advance(self, amount):
        self.calls.append(("advance", amount))

    def stop(self):
        self.calls.append(("stop",))


def test_own_meter_is_used_and_stopped():
    own = Recording()
    with _progress.meter(own, "cutting", 3) as meter:
        meter.advance(2)
    assert own.calls == [("start", "cutting", 3), ("advance", 2), ("stop",)]


def test_meter_is_stopped_after_an_exception():
    own = Recording()
    with pytest.raises(KeyError), _progress.meter(own, "cutting"):
        raise KeyError
    assert own.calls[-1] == ("stop",)


class Terminal(io.StringIO):
    """Standard error that says it is a terminal."""

    def isatty(self):
        return True


@pytest.mark.parametrize(("progress", "stream", "shows"), [
    (None, io.StringIO, False), (None, Terminal, True), (False, Terminal, False), (True, io.StringIO, True),
])  # fmt: skip
def test_bar_shows_on_a_terminal_or_on_demand(monkeypatch, progress, stream, shows):
    monkeypatch.setattr("sys.stderr", stream())
    with _progress.meter(progress, "cutting cells", 4) as meter:
        meter.advance(1)
        assert isinstance(meter, _progress.BarMeter) == shows


def test_bar_counts_and_goes_away(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr("rich.console.Console", lambda **_: Console(file=stream, force_terminal=True))
    bar = _progress.BarMeter()
    bar.advance(1)
    with bar:
        bar.start("cutting cells", 10)
        bar.advance(4)
        assert bar._bar.tasks[0].completed == 4
    assert bar._bar is None
    assert "cutting cells" in stream.getvalue()


def test_errors_have_distinct_meanings():
    documentation = [error.__doc__ for error in ERRORS]
    assert all(first != second for first, second in pairwise(sorted(documentation)))
