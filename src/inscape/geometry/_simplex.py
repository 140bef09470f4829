"""Small dense linear programs by HiGHS."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Solved:
    """An optimal answer.

    Attributes:
        point: (n,) variables.
        weights: (m,) multipliers ≥ 0 of the rows.
        value: value of the objective.
    """

    point: np.ndarray
    weights: np.ndarray
    value: float


def minimise(
    costs: np.ndarray, table: np.ndarray, right: np.ndarray, low: np.ndarray, high: np.ndarray
) -> Solved | None:
    """Minimise costs · v with table v ≤ right and low ≤ v ≤ high.

    Args:
        costs: (n,) costs.
        table: (m, n) left sides.
        right: (m,) right sides.
        low: (n,) lower limits, -infinity for none.
        high: (n,) upper limits.

    Returns:
        The optimum, None if the solver found none.
    """
    import highspy

    solver = _quiet()
    for name, value in (("output_flag", False), ("threads", 1), ("presolve", "off"), ("solver", "simplex")):
        solver.setOptionValue(name, value)
    for name in ("primal_feasibility_tolerance", "dual_feasibility_tolerance"):
        solver.setOptionValue(name, 1e-9)
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = table.shape[1], table.shape[0]
    program.col_cost_, program.col_lower_, program.col_upper_ = costs, low, high
    program.row_lower_, program.row_upper_ = np.full(len(right), -np.inf), right
    rows, columns = np.nonzero(table)
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = np.searchsorted(rows, np.arange(len(right) + 1))
    program.a_matrix_.index_, program.a_matrix_.value_ = columns, table[rows, columns]
    solver.passModel(program)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    found = solver.getSolution()
    return Solved(
        point=np.array(found.col_value),
        weights=np.maximum(-np.array(found.row_dual), 0.0),
        value=float(solver.getInfo().objective_function_value),
    )


@cache
def _quiet_class() -> Any:
    import highspy

    class Quiet(highspy.Highs):
        """HiGHS prints its banner when its Python class switches callbacks on; none are used here."""

        def enableCallbacks(self) -> None:  # noqa: N802 - the name is theirs
            return

    return Quiet


def _quiet() -> Any:
    return _quiet_class()()
