"""Monotone formulas over half-spaces: nested ALL and ANY, read as sets and as minima and maxima of signed distances."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

Formula: TypeAlias = int | tuple[Any, ...]
"""A half-space by its number, or ``("all" | "any", part, part, ...)``."""

_OTHER = {"all": "any", "any": "all"}


def combine(gate: str, parts: Sequence[Formula]) -> Formula:
    """Join formulas; gates of the same kind melt into one.

    Args:
        gate: ``"all"`` or ``"any"``.
        parts: one or more formulas.

    Returns:
        The formula.

    Example:
        >>> combine("all", [0, ("all", 1, 2), ("any", 3, 4)])
        ('all', 0, 1, 2, ('any', 3, 4))
    """
    flat: list[Formula] = []
    for part in parts:
        flat += part[1:] if isinstance(part, tuple) and part[0] == gate else [part]
    return flat[0] if len(flat) == 1 else (gate, *flat)


def complement(formula: Formula) -> Formula:
    """The formula of the complement, for half-spaces that are turned round (de Morgan)."""
    if isinstance(formula, int):
        return formula
    return (_OTHER[formula[0]], *(complement(part) for part in formula[1:]))


def renumber(formula: Formula, by: int) -> Formula:
    """The same formula with ``by`` added to the numbers of its half-spaces."""
    if isinstance(formula, int):
        return formula + by
    return (formula[0], *(renumber(part, by) for part in formula[1:]))


def parts_of(formula: Formula) -> tuple[str, tuple[Formula, ...]]:
    """Gate and parts; a half-space counts as ALL of itself."""
    return ("all", (formula,)) if isinstance(formula, int) else (formula[0], formula[1:])


def height(formula: Formula) -> int:
    """Number of gates above the deepest half-space."""
    return 0 if isinstance(formula, int) else 1 + max(map(height, formula[1:]))


def widest(formula: Formula) -> int:
    """The largest number of parts of one gate, at least 1."""
    return 1 if isinstance(formula, int) else max(len(formula) - 1, *map(widest, formula[1:]))


def depth(formula: Formula, values: np.ndarray) -> np.ndarray:
    """Minimum over ALL, maximum over ANY.

    Args:
        formula: over the half-spaces.
        values: (n, h) signed distances to the half-spaces' faces, positive inside.

    Returns:
        (n,) positive inside the set, negative outside.

    Example:
        >>> depth(("any", 0, ("all", 1, 2)), np.array([[-1.0, 3.0, 2.0]]))
        array([2.])
    """
    if isinstance(formula, int):
        return values[:, formula]
    found = np.stack([depth(part, values) for part in formula[1:]])
    return found.min(0) if formula[0] == "all" else found.max(0)
