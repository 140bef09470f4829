"""Finished blocks one after another, in bounded memory: what was yielded is kept no longer."""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from numbers import Integral
from threading import Event
from typing import Any

from inscape._errors import InputError
from inscape.geometry._block import Level, lineage
from inscape.geometry._domains import Chart
from inscape.geometry._plan import plan
from inscape.geometry._program import Program, Rule
from inscape.geometry._subdivide import BLOCK_BYTES, Subdivision, check_dimension, descend
from inscape.geometry._tally import AbandonedError
from inscape.geometry._threads import Crew, thread_count

ROOM = 1_000_000
"""Cells that one layer may make of one block; far more are refused before memory is asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ended:
    """A block that is finished or has to go on in groups.

    Attributes:
        block: the block.
        past: levels from the whole window to the cells with which the block began.
        split: how it goes on, None if it is finished.
    """

    block: Any
    past: list[Level]
    split: Any

    @property
    def levels(self) -> list[Level]:
        """All levels from the whole window on."""
        return [*self.past, *self.block.levels]


@dataclass(frozen=True, kw_only=True)
class _Stream:
    """Blocks in the order of one thread; helpers work ahead on the next few."""

    descent: Any
    crew: Crew
    ahead: int
    stopped: Event

    def leaves(self) -> Generator[tuple[_Ended, bool], None, None]:
        """Finished blocks, each with whether it is the last one."""
        waiting: deque[partial[_Ended] | Future[_Ended]] = deque([partial(self._begin)])
        while waiting:
            self._send_out(waiting)
            first = waiting.popleft()
            ended = first.result() if isinstance(first, Future) else first()
            if ended.split is None:
                yield ended, not waiting
            else:
                levels, numbers = ended.levels, reversed(range(len(ended.split.groups)))
                waiting.extendleft(partial(self._go_on, ended.split, levels, number) for number in numbers)

    def _send_out(self, waiting: "deque[partial[_Ended] | Future[_Ended]]") -> None:
        """Keep the helpers busy with the blocks behind the first one, as long as few finished ones pile up."""
        running = sum(isinstance(job, Future) for job in waiting)
        for at in range(1, len(waiting)):
            if running >= self.ahead:
                return
            job = waiting[at]
            if not isinstance(job, Future):
                waiting[at] = self.crew.submit(job)
                running += 1

    def _begin(self) -> _Ended:
        block = self.descent.first()
        return _Ended(block=block, past=[], split=self.descent.carry(block, 0, self._check, share=True))

    def _go_on(self, split: Any, levels: list[Level], number: int) -> _Ended:
        self._check()
        block, past = split.part(number), lineage(levels, split.groups[number])
        return _Ended(block=block, past=past, split=self.descent.carry(block, split.place, self._check, share=False))

    def _check(self) -> None:
        if self.stopped.is_set():
            raise AbandonedError


def subdivide_blocks(
    program: Program,
    chart: Chart,
    *,
    head: Rule | None = None,
    max_cells: int | None = None,
    block_bytes: int = BLOCK_BYTES,
    threads: int | None = None,
) -> Iterator[Subdivision]:
    """The cells of :func:`subdivide` in blocks, one after the other, without ever holding all of them.

    Cells are whole: each lies in exactly one block. A facet between two blocks is in both, with the same label and
    bit-identical ends, and has its other cell in the other block. Blocks and their order depend on ``block_bytes``,
    not on the threads.

    Args:
        program: the network.
        chart: the domain, of dimension 1 (one block) to 6.
        head: a rule that cuts the output at the end.
        max_cells: stop when this many cells are yielded; None for all.
        block_bytes: memory for the layer values of one block; every thread works on one.
        threads: how many threads work, by default one for each processor that this process may use.

    Returns:
        An iterator over blocks: the complex of each counts its own cells from 0, with levels of its own back to the
        whole window; ``complete`` is False for the last one if ``max_cells`` was reached before the end. While it
        runs, BudgetError is raised if one layer alone could cut one block into far more than a million cells.

    Raises:
        InputError: if the dimension is above 6, or a limit is not positive.
    """
    check_dimension(chart)
    if max_cells is not None and (not isinstance(max_cells, Integral) or max_cells < 1):
        raise InputError(f"expected max_cells ≥ 1, a whole number, or None, got {max_cells!r}")
    count = thread_count(threads)
    stream = _Stream(
        descent=descend(plan(program, chart, head, max_cells=ROOM), block_bytes),
        crew=Crew(count),
        ahead=0 if count == 1 else count,
        stopped=Event(),
    )
    return _closed_leaves(stream, max_cells)


def _closed_leaves(stream: _Stream, left: int | None) -> Iterator[Subdivision]:
    laid = stream.descent.plan
    try:
        for ended, last in stream.leaves():
            block, found = ended.block, ended.block.cell_count
            block.levels = ended.levels
            wanted = found if left is None else min(left, found)
            complete = wanted == found and (last or wanted != left)
            made = stream.descent.closed(block, wanted)
            yield Subdivision(complex=made, plan=laid, complete=complete)
            if left is not None:
                left -= wanted
                if left == 0:
                    return
    finally:
        stream.stopped.set()
        stream.crew.dismiss()
