"""Exact values of the float64 network on a cell, and exact signs at its vertices, in whole numbers.

A float is a whole number times a power of two, so on one cell every value of the network is an affine function of the
chart coordinates with such coefficients. Sums and products of them are exact; only at a vertex, the solution of a
linear system, one would have to divide, and the sign of a value needs no division (homogeneous coordinates).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from inscape.geometry._dyadic import Matrix, bits, common_point, lift, matrix, shifted, side
from inscape.geometry._levels import Pieces, pieces
from inscape.geometry._plan import Plan, Step
from inscape.geometry._program import Kind, Node
from inscape.geometry._site import Site, competitors

CELL_WORK = 20_000_000
"""Products of machine words that the values on one cell may cost."""

MATRIX_ENTRIES = 1 << 17
"""Coefficients of one affine node that are taken apart; more would take longer than everything else."""

KEPT_NUMBERS = 500_000
"""Whole numbers that are kept for further questions."""


class WorkLimitError(Exception):
    """Exact arithmetic would cost more than is allowed."""


@dataclass(kw_only=True, slots=True)
class Allowance:
    """Work that may still be done, in products of machine words.

    Attributes:
        left: what is left of it.
    """

    left: int

    def charge(self, work: int) -> None:
        """Take from it.

        Args:
            work: products of machine words.

        Raises:
            WorkLimitError: if less is left.
        """
        if work > self.left:
            raise WorkLimitError
        self.left -= work


@dataclass(kw_only=True, slots=True)
class _Table:
    """Values of a node on a cell, as far as they were asked for: (width, d + 1) whole numbers."""

    have: np.ndarray
    whole: np.ndarray
    words: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class _Affine:
    """An affine node in whole numbers."""

    matrices: tuple[Matrix, ...]
    constant: np.ndarray
    constant_exponent: int


@dataclass(kw_only=True, eq=False)
class ExactNet:
    """A program on a chart in whole numbers; what was computed for one cell is kept for the next.

    Attributes:
        plan: the plan.
    """

    plan: Plan
    _affine: dict[int, _Affine] = field(default_factory=dict)
    _exponent: dict[int, int] = field(default_factory=dict)
    _before: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _tables: dict[tuple[int, bytes], _Table] = field(default_factory=dict)
    _pieces: dict[tuple[int, bytes], Pieces] = field(default_factory=dict)
    _kept: int = 0

    def rows(self, site: Site, labels: Sequence[int], allowance: Allowance) -> list[list[int]] | None:
        """Predicates and walls as affine functions of the chart coordinates on a cell.

        Args:
            site: the cell.
            labels: predicates, counted over all steps; walls are negative.
            allowance: work that may be done.

        Returns:
            For each [constant, slopes...], up to a positive factor; None if the cell does not say which members of a
            maximum compete.

        Raises:
            WorkLimitError: if it would cost too much.
        """
        found: list[list[int] | None] = [self._wall(label) if label < 0 else None for label in labels]
        wanted: dict[int, list[tuple[int, tuple[int, int], float]]] = {}
        for n, label in enumerate(labels):
            if label >= 0:
                step, number, place = self._predicate(label)
                pair = competitors(step, number, place, site)
                if pair is None:
                    return None
                offset = float(step.stages[number].split.offset[place])
                wanted.setdefault(step.node, []).append((n, pair, offset))
        for node, predicates in wanted.items():
            step = self.plan.steps[node]
            units = np.unique([pair for _, pair, _ in predicates])
            units = units[units >= 0]
            table = dict(zip(units.tolist(), self._joined(site, step.inputs, units, allowance), strict=True))
            for n, (left, right), offset in predicates:
                row = table[left] - table[right] if right >= 0 else table[left]
                found[n] = self._less(row, offset, self.input_exponent(step))
        return [row for row in found if row is not None]

    def difference(self, site: Site, step: Step, pair: tuple[int, int], allowance: Allowance) -> list[int]:
        """The affine function z[left] - z[right] of a step's input on a cell.

        Args:
            site: the cell.
            step: the step.
            pair: left and right unit; right is -1 for none.
            allowance: work that may be done.

        Returns:
            [constant, slopes...], up to a positive factor.

        Raises:
            WorkLimitError: if it would cost too much.
        """
        units = np.array([unit for unit in pair if unit >= 0])
        table = self._joined(site, step.inputs, units, allowance)
        row = table[0] - table[1] if len(units) == 2 else table[0]
        return row.tolist()

    @staticmethod
    def _less(row: np.ndarray, offset: float, power: int) -> list[int]:
        """A positive multiple of an affine function less a constant."""
        if offset:
            whole, exponent = lift(np.array([offset]))
            low = min(exponent, power)
            row = shifted(row, power - low).copy()
            row[0] = row[0] - (int(whole[0]) << (exponent - low))
        return row.tolist()

    def input_exponent(self, step: Step) -> int:
        """Power of two of the whole numbers of a step's input."""
        return min(self._power(j) for j in step.inputs)

    def _predicate(self, label: int) -> tuple[Step, int, int]:
        """Step, round and number within the round of a predicate."""
        step = max((s for s in self.plan.steps.values() if s.base <= label and s.size), key=lambda s: s.base)
        place = label - step.base
        for number, stage in enumerate(step.stages):
            if place < stage.split.size:
                return step, number, place
            place -= stage.split.size
        raise IndexError(f"expected a predicate of the plan, got label {label}")

    def _wall(self, label: int) -> list[int]:
        chart = self.plan.chart
        axis, upper = (-1 - label) // 2, label % 2 == 0
        if chart.dimension == 2:  # the rectangle's walls are numbered counter-clockwise
            axis, upper = ((1, False), (0, True), (1, True), (0, False))[-1 - label]
        whole, exponent = lift(np.array([(chart.high if upper else chart.low)[axis]]))
        row = [0] * (chart.dimension + 1)
        row[0] = -(int(whole[0]) << max(exponent, 0))
        row[axis + 1] = 1 << max(-exponent, 0)
        return row

    def _joined(self, site: Site, nodes: tuple[int, ...], units: np.ndarray, allowance: Allowance) -> np.ndarray:
        """Some units of the concatenated values of several nodes: (m, d + 1), with the least of their exponents."""
        low = min(self._power(j) for j in nodes)
        out = np.empty((len(units), self.plan.chart.dimension + 1), dtype=object)
        first = 0
        for j in nodes:
            width = _width(self.plan.program.nodes[j])
            mine = (units >= first) & (units < first + width)
            if mine.any():
                table = self._values(site, j, units[mine] - first, allowance)
                out[mine] = shifted(table.whole[units[mine] - first], self._power(j) - low)
            first += width
        return out

    def _values(self, site: Site, i: int, units: np.ndarray, allowance: Allowance) -> _Table:
        """Table of node i on a cell, of which the rows of some units are filled."""
        key = self._key(site, i)
        table = self._tables.get(key)
        if table is None:
            width, columns = _width(self.plan.program.nodes[i]), self.plan.chart.dimension + 1
            if self._kept > KEPT_NUMBERS:
                self._tables, self._pieces, self._kept = {}, {}, 0
            self._kept += width * columns
            table = self._tables[key] = _Table(
                have=np.zeros(width, np.bool_), whole=np.zeros((width, columns), dtype=object)
            )
        missing = np.unique(units[~table.have[units]])
        if len(missing):
            node = self.plan.program.nodes[i]
            if node.kind is Kind.INPUT:
                table.whole[missing] = self._input()[missing]
            elif i in self.plan.steps:
                table.whole[missing] = self._bent(site, self.plan.steps[i], missing, allowance)
            else:
                table.whole[missing] = self._carried(site, i, missing, allowance)
            table.have[missing] = True
            table.words = max(table.words, 1 + bits(table.whole[missing, :2]) // 64)
        return table

    def _input(self) -> np.ndarray:
        chart = self.plan.chart
        whole, _ = lift(np.vstack([chart.origin[None], chart.basis]))
        return whole.T

    def _carried(self, site: Site, i: int, units: np.ndarray, allowance: Allowance) -> np.ndarray:
        """Rows of an affine node."""
        affine, power = self._opened(i), self._power(i)
        out = np.zeros((len(units), self.plan.chart.dimension + 1), dtype=object)
        for j, part in zip(self.plan.program.nodes[i].inputs, affine.matrices, strict=True):
            entries = part.entries(units)
            if not len(entries):
                continue
            read = np.unique(part.column[entries])
            table = self._values(site, j, read, allowance)
            allowance.charge(len(entries) * out.shape[1] * table.words)
            out += shifted(part.times(table.whole, units), part.exponent + self._power(j) - power)
        if affine.constant.any():  # the exponent of zeros says nothing
            out[:, 0] += shifted(affine.constant[units], affine.constant_exponent - power)
        return out

    def _bent(self, site: Site, step: Step, units: np.ndarray, allowance: Allowance) -> np.ndarray:
        """Rows of a nonlinear node: the piece that holds on the cell."""
        key = self._key(site, step.node)
        found = self._pieces.get(key)
        if found is None:
            width = sum(_width(self.plan.program.nodes[j]) for j in step.inputs)
            found = self._pieces[key] = pieces(step.rule, width, site.pattern[step.node][None])
        source, scale, shift = found.source[0, units], found.scale[0, units], found.shift[0, units]
        out = np.zeros((len(units), self.plan.chart.dimension + 1), dtype=object)
        low, power = self.input_exponent(step), self._power(step.node)
        open_ = scale != 0.0
        if open_.any():
            table = self._joined(site, step.inputs, source[open_], allowance)
            whole, exponent = lift(scale[open_])
            out[open_] = shifted(table * whole[:, None], exponent + low - power)
        if shift.any():
            whole, exponent = lift(shift)
            out[:, 0] += shifted(whole, exponent - power)
        return out

    def _opened(self, i: int) -> _Affine:
        """The coefficients of an affine node, read off its answers to unit vectors; each answer is one float."""
        if i not in self._affine:
            node = self.plan.program.nodes[i]
            shapes = [self.plan.program.nodes[j].shape for j in node.inputs]
            zeros = [np.zeros((1, *shape)) for shape in shapes]
            constant, exponent = lift(node.apply(*zeros).reshape(-1))
            matrices = tuple(matrix(_coefficients(node, shapes, k)) for k in range(len(shapes)))
            self._affine[i] = _Affine(matrices=matrices, constant=constant, constant_exponent=exponent)
        return self._affine[i]

    def _power(self, i: int) -> int:
        """Power of two of the whole numbers of node i, the same on all cells."""
        if i not in self._exponent:
            node = self.plan.program.nodes[i]
            if node.kind is Kind.INPUT:
                chart = self.plan.chart
                power = lift(np.vstack([chart.origin[None], chart.basis]))[1]
            elif i in self.plan.steps:
                power = self._bent_power(self.plan.steps[i])
            else:
                affine = self._opened(i)
                parts = [m.exponent + self._power(j) for m, j in zip(affine.matrices, node.inputs, strict=True)]
                power = min(parts)
                if affine.constant.any():
                    power = min(power, affine.constant_exponent)
            self._exponent[i] = power
        return self._exponent[i]

    def _bent_power(self, step: Step) -> int:
        low, rule = self.input_exponent(step), step.rule
        slopes, intercepts = getattr(rule, "slopes", None), getattr(rule, "intercepts", None)
        power = low if slopes is None else low + lift(np.asarray(slopes, dtype=np.float64))[1]
        if intercepts is not None and np.any(intercepts):
            power = min(power, lift(np.asarray(intercepts, dtype=np.float64))[1])
        return min(power, low)

    def _key(self, site: Site, i: int) -> tuple[int, bytes]:
        """What the values of node i depend on: the patterns of the steps before."""
        if i not in self._before:
            found, stack = set(), [i]
            while stack:
                j = stack.pop()
                if j not in found:
                    found.add(j)
                    stack.extend(self.plan.program.nodes[j].inputs)
            self._before[i] = tuple(sorted(j for j in found if j in self.plan.steps))
        return i, b"".join(np.ascontiguousarray(site.pattern[j]).tobytes() for j in self._before[i])


def _width(node: Node) -> int:
    return int(np.prod(node.shape))


def _coefficients(node: Node, shapes: list[tuple[int, ...]], which: int) -> np.ndarray:
    """(outputs, inputs) matrix of an affine node for one of its inputs."""
    width = int(np.prod(shapes[which]))
    if width * _width(node) > MATRIX_ENTRIES:
        raise WorkLimitError
    batch = [np.zeros((width, *shape)) for shape in shapes]
    batch[which] = np.eye(width).reshape(width, *shapes[which])
    return np.ascontiguousarray(node.linear(*batch).reshape(width, -1).T)


def exact_signs(
    net: ExactNet,
    site: Site,
    vanishing: Sequence[int],
    queries: Sequence[int],
    *,
    allowance: Allowance | None = None,
) -> np.ndarray | None:
    """Exact signs of predicates at a vertex of a cell.

    Args:
        net: the program on its chart.
        site: the cell; the vertex lies on its boundary or inside.
        vanishing: labels of predicates and walls that vanish at the vertex, d or more of them independent.
        queries: labels of predicates of the present step or an earlier one.
        allowance: work that may be done, :data:`CELL_WORK` by default.

    Returns:
        (queries,) -1, 0 or +1; None if the labels do not pin down a point, or the work is not allowed.
    """
    allowance = allowance or Allowance(left=CELL_WORK)
    dimension = net.plan.chart.dimension
    try:
        lines = net.rows(site, vanishing, allowance)
        point = None if lines is None else common_point(lines, dimension)
        wanted = None if point is None else net.rows(site, queries, allowance)
    except WorkLimitError:
        return None
    if point is None or wanted is None:
        return None
    return np.array([side(row, point) for row in wanted], dtype=np.int8)


def exact_point(
    net: ExactNet, site: Site, vanishing: Sequence[int], *, allowance: Allowance | None = None
) -> np.ndarray | None:
    """A vertex of a cell, each coordinate rounded once.

    Args:
        net: the program on its chart.
        site: the cell; the vertex lies on its boundary or inside.
        vanishing: labels of predicates and walls that vanish at the vertex, d or more of them independent.
        allowance: work that may be done, :data:`CELL_WORK` by default.

    Returns:
        (d,) chart coordinates; None if the labels do not pin down a point, or the work is not allowed.
    """
    try:
        lines = net.rows(site, vanishing, allowance or Allowance(left=CELL_WORK))
    except WorkLimitError:
        return None
    point = None if lines is None else common_point(lines, net.plan.chart.dimension)
    return None if point is None else np.array([whole / point[0] for whole in point[1:]])
