"""What every result can say about itself."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inscape._errors import InputError
from inscape.results import EXACT, MEASURED, Context, Figure, Provenance, Result, Section, Status, Verdict, fingerprint
from inscape.results._provenance import _installed


@dataclass(frozen=True, kw_only=True, repr=False)
class Tally(Result):
    """A small result."""

    kind = "tally"
    works = ("zaslavsky1975", "hanin2019")

    cells: int = 7
    status: Status = EXACT
    provenance: Provenance = field(default_factory=lambda: Provenance(function="test"))

    def facts(self):
        return {"cells": self.cells, "name": "<tally>"}


@dataclass(frozen=True, kw_only=True, repr=False)
class Listed(Tally):
    """A result that is also a table."""

    def columns(self):
        return {"n": np.arange(3), "square": np.arange(3) ** 2}


def test_summary_shows_facts_and_status():
    assert Tally().summary().splitlines() == ["Tally", "  cells   7", "  name    <tally>", "  status  exact"]


def test_repr_is_one_line():
    assert repr(Tally()) == "Tally(cells=7, name=<tally>, status=exact)"


def test_html_is_escaped_and_says_the_status_in_full():
    html = Tally()._repr_html_()
    assert "&lt;tally&gt;" in html
    assert Verdict.EXACT.value in html


def test_cite_gives_the_works():
    text = Tally().cite()
    assert text.startswith("@book{zaslavsky1975")
    assert "hanin2019" in text


def test_result_without_figure_or_table_says_so():
    with pytest.raises(InputError, match="'tally' has no figure"):
        Tally().plot()
    with pytest.raises(InputError, match="'tally' is no table"):
        Tally().to_dataframe()


def test_columns_become_a_data_frame():
    frame = Listed().to_dataframe()
    assert list(frame.columns) == ["n", "square"]
    assert frame["square"].tolist() == [0, 1, 4]


def test_base_class_has_no_facts():
    with pytest.raises(NotImplementedError):
        Result.facts(Tally())


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_is_a_sentence(verdict):
    status = Status(verdict=verdict, count=4, detail="because")
    assert str(status) == f"{verdict.name.lower()}(4): because"
    assert status.sentence == f"{verdict.value} (because)"
    assert Status(verdict=verdict).sentence == verdict.value


def test_measured_is_short():
    assert str(MEASURED) == "measured"


def test_fingerprint_sees_dtype_shape_content_and_order():
    a = np.arange(6.0)
    variants = [
        (a,),
        (a.astype(np.float32),),
        (a.reshape(2, 3),),
        (a.reshape(2, 3).T,),
        (a + 1,),
        (a, a),
        (a[:3], a[3:]),
        (),
        (np.zeros((0, 3)),),
        (np.zeros((3, 0)),),
        (np.array(1.0),),
    ]
    assert len({fingerprint(*variant) for variant in variants}) == len(variants)


@given(st.lists(st.floats(), max_size=9))
def test_fingerprint_depends_on_values_not_on_memory_layout(values):
    a = np.array(values)
    assert fingerprint(a) == fingerprint(np.repeat(a, 2)[::2])


def test_provenance_names_what_computed():
    provenance = Provenance(function="inscape.regions.partition", options={"max_cells": 10}, seed=3)
    assert {"python", "inscape", "torch", "numpy"} <= provenance.versions.keys()
    assert provenance.created.endswith("+00:00")
    assert provenance.system


def test_absent_package_is_left_out(monkeypatch):
    monkeypatch.setattr("inscape.results._provenance._PACKAGES", ("numpy", "no-such-package"))
    _installed.cache_clear()
    try:
        assert set(Provenance(function="f").versions) == {"python", "numpy"}
    finally:
        _installed.cache_clear()


def test_sections_and_contexts_have_modest_defaults():
    context = Context(model=None, network=None, name="net")
    section = Section(key="cells", title="Cells", figures=(Figure(name="cells", info=None, caption="Cells."),))
    assert (context.x, context.seed, context.max_cells) == (None, 0, 50_000)
    assert (section.tables, section.notes, section.numbers) == ((), (), {})
