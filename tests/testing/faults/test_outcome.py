"""The rule that labels, and a small sample of the shipped labels trained anew."""

from dataclasses import replace
from math import nan

import numpy as np
import pytest

from inscape.testing.faults import FaultCase, Net, Outcome, cases, outcome, rows
from inscape.testing.faults._outcome import _first, borne_out

GOOD = Outcome(accuracy=0.97, epochs=8.0, reference=0.98, still=0, start=2.3, diverged=False)
FAILED = replace(GOOD, accuracy=0.1, epochs=None)
NET = Net(depth=4, width=64)


def case(kind):
    place = 1 if kind in {"small_weights", "detached"} else None
    return FaultCase(kind=kind, net=NET, place=place)


@pytest.mark.parametrize(
    ("kind", "found", "twin", "stands"),
    [
        ("healthy", GOOD, GOOD, True),
        ("healthy", FAILED, FAILED, False),
        ("healthy", replace(GOOD, still=1), GOOD, False),
        ("small_weights", FAILED, GOOD, True),
        ("small_weights", FAILED, FAILED, False),
        ("small_weights", GOOD, GOOD, False),
        ("small_weights", replace(GOOD, epochs=12.0), GOOD, True),
        ("small_weights", replace(GOOD, epochs=11.9), GOOD, False),
        ("detached", replace(GOOD, still=2), GOOD, True),
        ("fitted", replace(GOOD, start=1e-4), GOOD, True),
        ("fitted", replace(GOOD, start=0.1), GOOD, False),
        ("fitted", replace(GOOD, start=nan), GOOD, False),
        ("default", GOOD, GOOD, True),
        ("default", replace(FAILED, accuracy=0.5), GOOD, True),
        ("default", replace(FAILED, accuracy=0.9), GOOD, False),
    ],
)
def test_rule(kind, found, twin, stands):
    assert borne_out(case(kind), found, twin) is stands


def test_epochs_are_interpolated_from_chance():
    assert _first(np.array([0.2, 0.6, 0.9]), 0.75) == pytest.approx(2.5)
    assert _first(np.array([0.5]), 0.3) == pytest.approx(0.5)
    assert _first(np.array([0.5, 0.6]), 0.7) is None
    assert _first(np.array([]), 0.7) is None


@pytest.mark.parametrize("kind", ["healthy", "saturated_units", "dead_units", "small_init", "large_init", "cancelling"])
def test_labels_hold_when_trained_anew(kind):
    """The cheapest nets; accuracies may differ a little between machines, labels not."""
    chosen = min(cases("design", kind, family="mlp", dataset="digits"), key=lambda c: c.depth * c.width)
    row = rows()[chosen.key]
    found = outcome(chosen, reference=row.reference)
    twin = replace(GOOD, accuracy=row.twin_accuracy, epochs=row.twin_epochs, reference=row.reference)
    assert borne_out(chosen, found, twin)
    assert found.still == row.still
    assert abs(found.accuracy - row.accuracy) < 0.1


def test_detached_layers_stay_as_they_are():
    chosen = FaultCase(kind="detached", net=Net(depth=3, width=8), place=1)
    assert outcome(chosen, reference=0.9).still == 2
