"""The list of candidates: balanced, and with three splits that share nothing."""

from collections import Counter
from itertools import combinations

import pytest

from inscape.gradients import Cause
from inscape.testing.faults import KINDS, candidates

ALL = candidates()
DESIGN, HELD_OUT, CONFIRMATION = (
    [case for case in ALL if case.split == split] for split in ("design", "held-out", "confirmation")
)


def test_no_two_cases_share_a_name():
    assert len({case.key for case in ALL}) == len(ALL) == len(DESIGN) + len(HELD_OUT) + len(CONFIRMATION)


def test_splits_share_no_seed_no_size_and_no_network():
    for one, other in combinations((DESIGN, HELD_OUT, CONFIRMATION), 2):
        for quality in ("seed", "net"):
            assert not {getattr(c, quality) for c in one} & {getattr(c, quality) for c in other}
        sizes = [{(c.family, c.dataset, c.depth, c.width) for c in cases} for cases in (one, other)]
        assert not sizes[0] & sizes[1]


def test_held_out_has_architectures_that_design_has_not():
    assert {c.activation for c in HELD_OUT} - {c.activation for c in DESIGN} == {"gelu", "silu"}
    assert any(c.net.residual for c in HELD_OUT)
    assert not any(c.net.residual for c in DESIGN)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_in_both_splits_with_several_sizes(kind):
    for cases in (DESIGN, HELD_OUT):
        mine = [case for case in cases if case.kind == kind]
        assert len(mine) >= 8
        assert len({case.net for case in mine}) >= 4
        assert {case.family for case in mine} == {"mlp", "conv"}
        assert len({case.seed for case in mine}) == 2
        if KINDS[kind].where:
            assert len({case.place for case in mine}) >= 3


def test_sizes_are_those_promised():
    mlps, convs = ([c for c in ALL if c.family == family] for family in ("mlp", "conv"))
    assert {min(c.depth for c in mlps), max(c.depth for c in mlps)} == {4, 12}
    assert {min(c.width for c in mlps), max(c.width for c in mlps)} == {32, 256}
    assert {min(c.depth for c in convs), max(c.depth for c in convs)} == {3, 6}
    assert {(c.family, c.dataset) for c in ALL} == {(f, d) for f in ("mlp", "conv") for d in ("digits", "mnist5k")}


def test_every_cause_is_planted():
    assert {cause for kind in KINDS.values() for cause in kind.causes} == set(Cause)


def test_no_kind_rules_the_suite():
    counts = Counter(case.kind for case in ALL)
    assert max(count for kind, count in counts.items() if kind != "healthy") <= 60
    assert counts["healthy"] >= 0.12 * len(ALL)
