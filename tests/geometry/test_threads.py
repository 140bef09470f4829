"""Threads that share out jobs: nested without deadlock, in order, and ended by the first error."""

import os
import threading
import weakref
from functools import partial
from inspect import unwrap

import numpy as np
import pytest
import torch

from inscape._errors import BudgetError, InputError
from inscape._progress import SilentMeter
from inscape.geometry import Box, subdivide
from inscape.geometry._threads import Crew, thread_count
from inscape.network import read
from inscape.testing import random_net

SQUARE = Box(low=(-1.0, -1.0), high=(1.0, 1.0))


@pytest.fixture(scope="module")
def network():
    return read(random_net([2, 40, 40, 40, 3], rng=9)).frozen()


def arrays(made):
    cells = made.complex
    levels = [array for level in cells.levels for array in (level.parent, level.bits)]
    return [cells.vertices, cells.ends, cells.label, cells.start, cells.half, cells.doubt, *levels]


def assert_identical(mine, theirs):
    assert mine.complete == theirs.complete
    for a, b in zip(arrays(mine), arrays(theirs), strict=True):
        assert a.dtype == b.dtype
        assert np.array_equal(a, b)


def tree(crew, depth, seen):
    """Jobs within jobs; each tells its thread."""
    seen.add(threading.get_ident())
    if depth == 0:
        return 1
    return sum(crew.do([partial(tree, crew, depth - 1, seen)] * 3))


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_nested_jobs_all_get_done(threads):
    crew, seen = Crew(threads), set()
    assert tree(crew, 6, seen) == 3**6
    assert len(seen) <= threads
    crew.dismiss()


def test_results_come_in_the_order_of_the_jobs():
    crew, gate = Crew(2), threading.Event()
    jobs = [lambda: gate.wait(30) and 0, *(partial(int, i) for i in range(1, 5)), lambda: gate.set() or 5]
    assert crew.do(jobs) == [0, 1, 2, 3, 4, 5]
    crew.dismiss()


class Weight:
    """Something that a job holds on to."""

    def lift(self):
        return 1


def test_a_job_that_was_taken_back_is_let_go_at_once():
    crew, gate, known = Crew(2), threading.Event(), []
    busy = crew.submit(lambda: gate.wait(30))

    def work():
        weights = [Weight() for _ in range(3)]
        known.extend(weakref.ref(weight) for weight in weights)
        return crew.do([weight.lift for weight in weights])

    assert work() == [1, 1, 1]
    assert [ref() for ref in known] == [None] * 3
    gate.set()
    busy.result()
    crew.dismiss()


def test_an_error_of_a_job_reaches_the_caller():
    crew = Crew(2)
    with pytest.raises(ZeroDivisionError):
        crew.do([lambda: 1, lambda: 1 // 0, lambda: 2])
    crew.dismiss()


def test_number_of_threads(monkeypatch):
    assert thread_count(3) == 3
    assert 1 <= thread_count(None) <= (os.cpu_count() or 1)
    monkeypatch.setattr("numba.config.NUMBA_NUM_THREADS", 5)
    assert thread_count(None) == 5


@pytest.mark.parametrize("threads", [0, -1, 1.5, True])
def test_impossible_numbers_of_threads(threads):
    with pytest.raises(InputError, match="threads ≥ 1"):
        unwrap(thread_count)(threads)


@pytest.mark.parametrize("block_bytes", [3_000, 60_000, 1 << 26])
@pytest.mark.parametrize("threads", [2, 5])
def test_the_same_bits_whatever_the_number_of_threads(network, threads, block_bytes):
    alone = subdivide(network, SQUARE, block_bytes=block_bytes, threads=1)
    assert_identical(subdivide(network, SQUARE, block_bytes=block_bytes, threads=threads), alone)


@pytest.mark.parametrize("limit", [1, 100, 700])
@pytest.mark.parametrize("threads", [2, 5])
def test_the_same_cells_at_the_limit(network, threads, limit):
    alone = subdivide(network, SQUARE, block_bytes=5_000, threads=1, max_cells=limit)
    assert not alone.complete
    assert alone.complex.cell_count == limit
    for _ in range(3):
        assert_identical(subdivide(network, SQUARE, block_bytes=5_000, threads=threads, max_cells=limit), alone)


def test_wide_layers_are_shared_out_and_agree_with_one_block(network):
    model = torch.nn.Sequential(*random_net([2, 160, 160, 1], rng=1), torch.nn.ReLU(), torch.nn.Linear(1, 1).double())
    made = subdivide(read(model), SQUARE, threads=2)
    assert_identical(made, subdivide(read(model), SQUARE, threads=1))
    cells = made.complex
    assert np.isclose(cells.volumes.sum(), 4.0)
    assert len(cells.vertices) - len(cells.ends) + cells.cell_count == 1


class Counting(SilentMeter):
    def __init__(self):
        self.total, self.inside = 0, False

    def advance(self, amount):
        assert not self.inside, "two threads at once in the caller's meter"
        self.inside = True
        self.total += amount
        self.inside = False


def test_the_meter_counts_every_cell_once(network):
    meter = Counting()
    made = subdivide(network, SQUARE, block_bytes=5_000, threads=4, meter=meter)
    assert meter.total == made.complex.cell_count


class Interrupting(SilentMeter):
    """Ctrl-C after some cells, wherever they are finished."""

    def __init__(self, after, kind):
        self.left, self.kind = after, kind

    def advance(self, amount):
        self.left -= amount
        if self.left < 0:
            raise self.kind("enough")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, ValueError])
@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("after", [0, 500])
def test_an_interruption_ends_the_call_and_its_threads(network, threads, kind, after):
    before = set(threading.enumerate())
    with pytest.raises(kind, match="enough"):
        subdivide(network, SQUARE, block_bytes=5_000, threads=threads, meter=Interrupting(after, kind))
    assert set(threading.enumerate()) <= before


def test_an_error_inside_a_block_is_the_one_of_a_single_thread(network, monkeypatch):
    from inscape.geometry import _descent

    plain = _descent.advance

    def failing(plan, block, place):
        plain(plan, block, place)
        if block.writes is None and block.shared_edge.max(initial=-1) >= 0 and place == len(plan.order) - 1:
            raise BudgetError(f"first vertex {block.xy[0]}")

    monkeypatch.setattr(_descent, "advance", failing)
    texts = []
    for threads in (1, 2, 4):
        with pytest.raises(BudgetError) as caught:
            subdivide(network, SQUARE, block_bytes=5_000, threads=threads)
        texts.append(str(caught.value))
    assert len(set(texts)) == 1
