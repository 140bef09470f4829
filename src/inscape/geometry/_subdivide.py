"""Cut a chart into the cells on which a network is affine: layer by layer, depth first over blocks of cells."""

from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import Any

from inscape._errors import InputError
from inscape._progress import Meter, SilentMeter
from inscape.geometry._complex import Complex
from inscape.geometry._descent import Descent
from inscape.geometry._domains import Chart
from inscape.geometry._hashed import subdivide_edges
from inscape.geometry._plan import Plan, plan
from inscape.geometry._polytopes import Polytopes
from inscape.geometry._program import Program, Rule
from inscape.geometry._skeleton import close_cells
from inscape.geometry._solid_run import SolidDescent
from inscape.geometry._tally import AbandonedError, Path, Tally
from inscape.geometry._threads import Crew, thread_count

BLOCK_BYTES = 1 << 26
"""Layer values that one block may hold at a time."""

EDGES_FROM = 5
"""Dimension from which edges alone are faster than cells, where the network is generic."""

LARGEST_DIMENSION = 6
"""Dimension up to which the whole complex is computed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Subdivision:
    """A complex with the plan that made it.

    Attributes:
        complex: the cells.
        plan: the order of evaluation, with the steps that made the levels.
        complete: False if ``max_cells`` was reached, so that the cells cover a part of the window only.
    """

    complex: Complex | Polytopes
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
    """Cut a chart of dimension 1 to 6 into the cells on which a network is affine.

    Values are carried at the vertices; a nonlinear node cuts the cells on which one of its predicates changes sign,
    and values at new vertices follow by linear interpolation. When the values of a layer outgrow ``block_bytes``,
    the cells are taken in groups; what happens on the edges between groups is decided once, beforehand, and read by
    both sides. In dimension 5 and 6 generic networks of elementwise functions are cut by edges alone, which is faster;
    where the network turns out not to be generic, cells are cut.

    Args:
        program: the network.
        chart: the domain, of dimension 1 to 6.
        head: a rule that cuts the output at the end, such as the maximum over classes.
        max_cells: stop when this many cells are finished.
        block_bytes: memory for the layer values of one block; every thread works on one.
        threads: how many threads share the blocks, by default one for each processor that this process may use. The
            cells are the same whatever their number.
        meter: where finished cells are reported.

    Returns:
        The subdivision.

    Raises:
        InputError: if the dimension is above 6, or a limit is not positive.
        BudgetError: if one layer alone could cut a block into far more than ``max_cells`` cells.
    """
    check_dimension(chart)
    if not isinstance(max_cells, Integral) or max_cells < 1:
        raise InputError(f"expected max_cells ≥ 1, a whole number, got {max_cells!r}")
    crew = Crew(thread_count(threads))
    laid = plan(program, chart, head, max_cells=max_cells)
    if chart.dimension >= EDGES_FROM and (found := _by_edges(laid, max_cells)) is not None:
        (meter or SilentMeter()).advance(found.complex.cell_count)
        return found
    tally = Tally(limit=max_cells, meter=meter or SilentMeter())
    descent = descend(laid, block_bytes)
    block = _Run(descent=descent, tally=tally, crew=crew).whole()
    return Subdivision(complex=descent.closed(block, max_cells), plan=laid, complete=not tally.full)


def _by_edges(laid: Plan, max_cells: int) -> Subdivision | None:
    """The cells of a generic network by edges alone; None where that does not do."""
    skeleton = subdivide_edges(laid)
    made = None if skeleton is None else close_cells(skeleton)
    if made is None or made.cell_count > max_cells:
        return None
    return Subdivision(complex=made, plan=laid, complete=True)


def check_dimension(chart: Chart) -> None:
    """Refuse a chart of too many dimensions.

    Args:
        chart: the domain.

    Raises:
        InputError: if its dimension is above 6.
    """
    if chart.dimension > LARGEST_DIMENSION:
        raise InputError(
            f"expected a domain of dimension 1 to {LARGEST_DIMENSION}, got dimension {chart.dimension}; "
            "look at a plane through it, or explore it from points (regions.explore)"
        )


def descend(laid: Plan, block_bytes: int) -> Any:
    """How blocks go down through a plan, in the plane or in more dimensions.

    Args:
        laid: the plan.
        block_bytes: memory for the layer values of one block.

    Returns:
        A ``Descent`` or ``SolidDescent``, which have the same methods for their own kind of block.
    """
    kind = Descent if laid.chart.dimension < 3 else SolidDescent
    return kind(plan=laid, block_bytes=block_bytes)


@dataclass(frozen=True, kw_only=True)
class _Run:
    """One pass over all blocks, depth first, shared out among threads."""

    descent: Any
    tally: Tally
    crew: Crew

    def whole(self) -> Any:
        """The finished cells of the whole window, at least as many as are wanted."""
        block = self.descent.first()
        try:
            finished = self._finished(block, 0, ())
        except BaseException:
            self.tally.stop()
            raise
        finally:
            self.crew.dismiss()
        self.tally.settle()
        return block if finished is None else finished

    def _finished(self, block: Any, place: int, path: Path) -> Any:
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
            return block
        jobs = [partial(self._group, split, number, (*path, number)) for number in range(len(split.groups))]
        ended = self.crew.do(jobs)
        if all(group is None for group in ended):
            return None
        return split.joined(ended, self.crew.do)

    def _group(self, split: Any, number: int, path: Path) -> Any:
        return self._finished(split.part(number), split.place, path)
