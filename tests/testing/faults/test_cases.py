"""The suite as it is handed out: large, balanced, and with evidence for every label."""

import pytest

from inscape._errors import InputError
from inscape.gradients import Cause
from inscape.testing.faults import KINDS, candidates, cases, rows


def test_every_candidate_has_been_labelled():
    assert set(rows()) == {case.key for case in candidates()}


def test_the_suite_is_large_and_has_enough_healthy_networks():
    for split, least in ((None, 360), ("design", 110), ("held-out", 110), ("confirmation", 110)):
        found = cases(split)
        assert len(found) >= least
        assert sum(case.cause is Cause.NONE for case in found) >= 0.12 * len(found)


def test_every_cause_is_in_both_splits():
    for split in ("design", "held-out", "confirmation"):
        assert {case.cause for case in cases(split)} == set(Cause)


def test_only_labels_that_are_borne_out_are_handed_out():
    assert all(rows()[case.key].borne_out for case in cases())
    more = cases(every=True)
    assert set(cases()) <= set(more)
    assert {case.kind for case in set(more) - set(cases())}.isdisjoint({"healthy", "default"})


@pytest.mark.parametrize(
    "asked", [{"split": "design"}, {"kind": "detached"}, {"family": "conv"}, {"dataset": "mnist5k"}]
)
def test_what_is_asked_for_comes(asked):
    found = cases(**asked)
    ((name, value),) = asked.items()
    assert found
    assert set(found) == {case for case in cases() if getattr(case, name) == value}


def test_filters_together():
    found = cases("held-out", "dead_units", family="mlp", dataset="digits")
    assert found
    assert all((c.split, c.kind, c.family, c.dataset) == ("held-out", "dead_units", "mlp", "digits") for c in found)


@pytest.mark.parametrize("wrong", [{"split": "test"}, {"kind": "flu"}, {"family": "rnn"}, {"dataset": "cifar"}])
def test_unknown_filters_are_named(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(InputError, match=f"expected {name} as one of .*, or None, got '{value}'"):
        cases(**wrong)


def test_kinds_say_what_they_do():
    assert all(kind.says and kind.causes and kind.name == name for name, kind in KINDS.items())
