"""Labelling trains each case and twin once, and goes on where it was interrupted."""

import pytest

from inscape.testing.faults import FaultCase, Net, label_all, outcome
from inscape.testing.faults import _label as module

NET = Net(depth=2, width=8)
CASES = [FaultCase(kind="healthy", net=NET), FaultCase(kind="dead_units", net=NET, place=0)]


def test_rows_are_the_outcomes_and_a_ledger_keeps_them(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "best_accuracy", lambda net: 0.5)
    found = label_all(CASES, ledger=tmp_path / "ledger.sqlite", progress=False)
    expected = outcome(CASES[0], reference=0.5)
    assert [row.key for row in found] == [case.key for case in CASES]
    assert found[0].accuracy == pytest.approx(expected.accuracy, abs=1e-3)
    assert found[0].twin_epochs == found[1].twin_epochs == pytest.approx(expected.epochs, abs=0.01)

    def never(*_args, **_options):
        raise AssertionError("trained again")

    monkeypatch.setattr(module, "outcome", never)
    monkeypatch.setattr(module, "best_accuracy", never)
    assert label_all(CASES, ledger=tmp_path / "ledger.sqlite", progress=False) == found
