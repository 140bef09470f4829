"""What is finished, by path: the outcome is that of one thread, whatever the order of events."""

import pytest

from inscape._progress import SilentMeter
from inscape.geometry._tally import AbandonedError, Tally


class Counting(SilentMeter):
    def __init__(self):
        self.seen = []

    def advance(self, amount):
        self.seen.append(amount)


def tally(limit: int | None = 10):
    return Tally(limit=limit, meter=SilentMeter())


def test_only_what_comes_before_a_block_makes_it_needless():
    counted = tally(limit=10)
    counted.add((2,), 11)
    counted.check((0, 5))
    counted.check((2,))
    with pytest.raises(AbandonedError):
        counted.check((2, 0))
    with pytest.raises(AbandonedError):
        counted.check((3,))
    assert counted.full


def test_as_many_cells_as_wanted_are_not_too_many():
    counted = tally(limit=10)
    counted.add((0,), 10)
    counted.check((1,))
    assert not counted.full


def test_without_limit_everything_is_wanted():
    counted = tally(limit=None)
    counted.add((0,), 10**12)
    counted.check((1,))
    assert not counted.full


def test_the_first_failure_in_order_is_the_one_that_counts():
    counted = tally()
    counted.fail((1, 3), ValueError("late"))
    counted.fail((1, 2), KeyError("early"))
    counted.check((1, 1, 9))
    with pytest.raises(AbandonedError):
        counted.check((1, 4))
    with pytest.raises(KeyError, match="early"):
        counted.settle()


def test_a_failure_behind_enough_cells_would_not_have_happened():
    counted = tally(limit=10)
    counted.fail((1,), ValueError("needless"))
    with pytest.raises(ValueError, match="needless"):
        counted.settle()
    counted.add((0,), 11)
    counted.settle()


def test_stop_ends_everything():
    counted = tally()
    counted.stop()
    with pytest.raises(AbandonedError):
        counted.check(())


def test_the_meter_hears_of_every_block():
    meter = Counting()
    counted = Tally(limit=5, meter=meter)
    for path, count in (((1,), 4), ((0,), 3)):
        counted.add(path, count)
    assert meter.seen == [4, 3]
    assert counted.full
