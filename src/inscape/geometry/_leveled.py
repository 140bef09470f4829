"""What complexes of all dimensions have in common: cells that came about in levels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inscape.geometry._block import Level
from inscape.geometry._codes import pattern
from inscape.geometry._plan import Step


@dataclass(frozen=True, kw_only=True, eq=False)
class Leveled:
    """Cells with their ancestors.

    Attributes:
        vertices: (V, d) chart coordinates.
        doubt: (C,) cells of which some decision lay below the rounding bound.
        levels: the steps in order; following ``parent`` from a cell of the last level leads to its ancestors.
    """

    vertices: np.ndarray
    doubt: np.ndarray
    levels: Sequence[Level]

    @property
    def dimension(self) -> int:
        """Dimension d of the chart."""
        return self.vertices.shape[1]

    @property
    def cell_count(self) -> int:
        """Number C of cells."""
        return len(self.doubt)

    def ancestors(self, level: int, cells: np.ndarray | None = None) -> np.ndarray:
        """Cells of an earlier level in which cells lie.

        Args:
            level: position in ``levels``.
            cells: (c,) cells, all by default.

        Returns:
            (c,) their ancestors.
        """
        found = np.arange(self.cell_count) if cells is None else np.asarray(cells)
        for later in reversed(self.levels[level + 1 :]):
            found = later.parent[found]
        return found

    def pattern(self, level: int, step: Step, members: np.ndarray) -> np.ndarray:
        """Pattern of one step on cells of its level.

        Args:
            level: position in ``levels``.
            step: the step that made the level.
            members: (c,) cells of the level.

        Returns:
            (c, n) booleans, True where a predicate is positive; for maxima (c, outputs) positions of the leaders.
        """
        return pattern(self.levels[level].bits[members], step)
