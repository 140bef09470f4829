"""Linear programs max c · x, A x ≤ b with free x, solved again and again from the last basis, by HiGHS."""

from enum import Enum
from time import perf_counter
from typing import Any

import numpy as np

_TOLERANCE = 1e-10
"""Feasibility of HiGHS, the smallest that it takes. Callers give rows of unit normals and right-hand sides near 1."""


class Outcome(Enum):
    """How a linear program ended."""

    OPTIMAL = "optimal"
    UNBOUNDED = "unbounded"
    INFEASIBLE = "infeasible"
    FAILED = "not solved"


class LinearProgram:
    """One model in HiGHS. A change of the objective or a new row is followed by few pivots, not by a new start."""

    def __init__(self, table: np.ndarray, bound: np.ndarray, until: float = np.inf) -> None:
        """Load a program.

        Args:
            table: (m, n) rows A.
            bound: (m,) right-hand sides b.
            until: reading of ``time.perf_counter`` at which to give up.
        """
        import highspy

        self._highspy: Any = highspy
        self._solver: Any = highspy._core._Highs()  # the class over it prints a banner and sets up callbacks
        for option, value in {
            "output_flag": False,
            "presolve": "off",
            "threads": 1,
            "simplex_strategy": 4,  # primal: the last optimum stays feasible when the objective changes
            "primal_feasibility_tolerance": _TOLERANCE,
            "dual_feasibility_tolerance": _TOLERANCE,
        }.items():
            self._solver.setOptionValue(option, value)
        self._until = until
        self._columns = np.arange(table.shape[1], dtype=np.int32)
        self._solver.passModel(self._model(table, bound))

    def _model(self, table: np.ndarray, bound: np.ndarray) -> Any:
        rows, columns = table.shape
        model = self._highspy.HighsLp()
        model.num_row_, model.num_col_ = rows, columns
        model.col_cost_ = np.zeros(columns)
        model.col_lower_, model.col_upper_ = np.full(columns, -np.inf), np.full(columns, np.inf)
        model.row_lower_, model.row_upper_ = np.full(rows, -np.inf), np.asarray(bound, dtype=np.float64)
        model.sense_ = self._highspy.ObjSense.kMaximize
        model.a_matrix_.format_ = self._highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = np.arange(0, (rows + 1) * columns, max(columns, 1), dtype=np.int32)[: rows + 1]
        model.a_matrix_.index_ = np.tile(self._columns, rows)
        model.a_matrix_.value_ = np.ascontiguousarray(table, dtype=np.float64).ravel()
        return model

    def limit(self, column: int, lower: float, upper: float) -> None:
        """Bound one variable.

        Args:
            column: the variable.
            lower: its least value.
            upper: its largest value.
        """
        self._solver.changeColBounds(column, lower, upper)

    def add(self, row: np.ndarray, bound: float) -> None:
        """Add a row.

        Args:
            row: (n,) coefficients.
            bound: right-hand side.
        """
        self._solver.addRow(-np.inf, bound, len(self._columns), self._columns, row)

    def maximise(self, objective: np.ndarray) -> tuple[Outcome, np.ndarray]:
        """Solve for an objective.

        Args:
            objective: (n,) coefficients c.

        Returns:
            How it ended; and the (n,) optimum, or where the program is unbounded a ray along which it grows.
        """
        self._solver.changeColsCost(len(self._columns), self._columns, objective)
        if np.isfinite(self._until):
            left = self._until - perf_counter()
            if left <= 0:
                return Outcome.FAILED, np.zeros(len(self._columns))
            self._solver.setOptionValue("time_limit", self._solver.getRunTime() + left)
        self._solver.run()
        status = self._solver.getModelStatus()
        known = self._highspy.HighsModelStatus
        if status == known.kOptimal:
            return Outcome.OPTIMAL, np.array(self._solver.getSolution().col_value)
        if status in {known.kUnbounded, known.kUnboundedOrInfeasible}:
            found = self._solver.getPrimalRay()
            if found[1]:
                return Outcome.UNBOUNDED, np.array(found[2])
            return Outcome.UNBOUNDED, np.zeros(len(self._columns))
        return (Outcome.INFEASIBLE if status == known.kInfeasible else Outcome.FAILED), np.zeros(len(self._columns))
