"""Cut a chart into the cells on which a network is affine: layer by layer, depth first over blocks of cells."""

from dataclasses import dataclass
from functools import partial
from numbers import Integral

from inscape._errors import InputError
from inscape._progress import Meter, SilentMeter
from inscape.geometry._block import Block, first_block
from inscape.geometry._complex import Complex
from inscape.geometry._descent import Descent, Split
from inscape.geometry._domains import Chart
from inscape.geometry._groups import join_groups
from inscape.geometry._plan import Plan, plan
from inscape.geometry._program import Program, Rule
from inscape.geometry._tally import AbandonedError, Path, Tally
from inscape.geometry._threads import Crew, thread_count
from inscape.geometry._tidy import closed

BLOCK_BYTES = 1 << 26
"""Layer values that one block may hold at a time."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Subdivision:
    """A complex with the plan that made it.

    Attributes:
        complex: the cells.
        plan: the order of evaluation, with the steps that made the levels.
        complete: False if ``max_cells`` was reached, so that the cells cover a part of the window only.
    """

    complex: Complex
    plan: Plan
    complete: bool


def subdivide(
    program: Program,
    chart: Chart,
    *,
    head: Rule | None = None,
    max_cells: int = 1_000_000,
    block_bytes: int = BLOCK_BYTES,
    threads: int | None = None,
    meter: Meter | None = None,
) -> Subdivision:
    """Cut a chart of dimension 1 or 2 into the cells on which a network is affine.

    Values are carried at the vertices; a nonlinear node cuts the cells on which one of its predicates changes sign,
    and values at new vertices follow by linear interpolation. When the values of a layer outgrow ``block_bytes``,
    the cells are taken in groups; what happens on the edges between groups is decided once,
    beforehand, and read by both sides.

    Args:
        program: the network.
        chart: the domain, of dimension 1 or 2.
        head: a rule that cuts the output at the end, such as the maximum over classes.
        max_cells: stop when this many cells are finished.
        block_bytes: memory for the layer values of one block; every thread works on one.
        threads: how many threads share the blocks, by default one for each processor that this process may use. The
            cells are the same whatever their number.
        meter: where finished cells are reported.

    Returns:
        The subdivision.

    Raises:
        InputError: if the dimension is not 1 or 2, or a limit is not positive.
        BudgetError: if one layer alone could cut a block into far more than ``max_cells`` cells.
    """
    if chart.dimension not in (1, 2):
        raise InputError(f"expected a domain of dimension 1 or 2, got dimension {chart.dimension}")
    if not isinstance(max_cells, Integral) or max_cells < 1:
        raise InputError(f"expected max_cells ≥ 1, a whole number, got {max_cells!r}")
    crew = Crew(thread_count(threads))
    laid = plan(program, chart, head, max_cells=max_cells)
    tally = Tally(limit=max_cells, meter=meter or SilentMeter())
    run = _Run(descent=Descent(plan=laid, block_bytes=block_bytes), tally=tally, crew=crew)
    block = run.whole()
    return Subdivision(complex=closed(laid, block, max_cells), plan=laid, complete=not tally.full)


@dataclass(frozen=True, kw_only=True)
class _Run:
    """One pass over all blocks, depth first, shared out among threads."""

    descent: Descent
    tally: Tally
    crew: Crew

    def whole(self) -> Block:
        """The finished cells of the whole window, at least as many as are wanted."""
        block = first_block(self.descent.plan)
        try:
            finished = self._finished(block, 0, ())
        except BaseException:
            self.tally.stop()
            raise
        finally:
            self.crew.dismiss()
        self.tally.settle()
        return block if finished is None else finished

    def _finished(self, block: Block, place: int, path: Path) -> Block | None:
        """A block carried to the end; None if it is wanted no longer."""
        try:
            split = self.descent.carry(block, place, partial(self.tally.check, path), share=path == ())
        except AbandonedError:
            return None
        except Exception as error:  # noqa: BLE001 - raised in settle, if it comes first
            self.tally.fail(path, error)
            return None
        if split is None:
            self.tally.add(path, block.cell_count)
            block.reads = {}  # decisions on the borders are used up
            return block
        jobs = [partial(self._group, split, number, (*path, number)) for number in range(len(split.groups))]
        ended = self.crew.do(jobs)
        if all(group is None for group in ended):
            return None
        return join_groups(split.block, split.skeleton, ended, split.groups, self.crew.do)

    def _group(self, split: Split, number: int, path: Path) -> Block | None:
        return self._finished(split.part(number), split.place, path)
