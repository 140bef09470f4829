"""What is known of the distances from points to the decision boundary."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from inscape.results import EXACT, Provenance, Result, Status, Verdict

TOLERANCE = 1e-6
"""Relative gap between both bounds at which a distance counts as certified."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Distance(Result):
    """Distances from points to the decision boundary, enclosed from both sides.

    The lower bounds hold: no point at a smaller distance lies on the boundary. The upper bounds are distances of points
    that were found beyond it.

    Attributes:
        points: (n, *shape) the points; chart coordinates (n, d) if the distances were read off a boundary.
        norm: 1, 2 or infinity.
        lower: (n,) certified lower bounds, infinity where there is no boundary in the domain.
        upper: (n,) distances of the nearest points found, infinity where none was found.
        nearest: (n, *shape) these points, NaN where none was found.
        pairs: (n, 2) class at the point and class that meets it at the nearest point, -1 where none was found; for one
            output 1 above the level and 0 below.
        cells: (n,) number of families of regions that were examined; 0 if the distances were read off a boundary.
        status: certified to a relative gap of 1e-6, exact, uncertain or limit.
        provenance: versions, options, fingerprints.
    """

    kind: ClassVar[str] = "distance"
    works: ClassVar[tuple[str, ...]] = ("jordan2019", "wong2018", "moosavi2016")

    points: np.ndarray
    norm: float
    lower: np.ndarray
    upper: np.ndarray
    nearest: np.ndarray
    pairs: np.ndarray
    cells: np.ndarray
    status: Status
    provenance: Provenance

    @property
    def certified(self) -> np.ndarray:
        """(n,) True where both bounds agree to a relative gap of 1e-6."""
        return agree(self.lower, self.upper)

    @property
    def gap(self) -> np.ndarray:
        """(n,) relative gap between the bounds: 0 if they agree, 1 if nothing is known."""
        return np.where(self.lower >= self.upper, 0.0, 1.0 - self.lower / np.maximum(self.upper, 1e-300))

    def facts(self) -> dict[str, object]:
        """Name → value for the summary."""
        shown: dict[str, object] = {"points": len(self.lower), "norm": self.norm}
        if len(self.lower) == 1:
            shown |= {"lower": f"{self.lower[0]:.9g}", "upper": f"{self.upper[0]:.9g}"}
        elif len(self.lower):
            shown |= {
                "smallest": f"{self.upper.min():.6g}",
                "median": f"{np.median(self.lower):.6g} to {np.median(self.upper):.6g}",
                "largest": f"{self.lower.max():.6g} to {self.upper.max():.6g}",
            }
        return shown | {"certified": f"{int(self.certified.sum())} of {len(self.lower)}"}

    def columns(self) -> dict[str, Any]:
        """One row for each point."""
        return {
            "point": np.arange(len(self.lower)),
            "lower": self.lower,
            "upper": self.upper,
            "certified": self.certified,
            "class": self.pairs[:, 0],
            "other": self.pairs[:, 1],
            "cells": self.cells,
        }

    def info(self) -> Any:
        """Distances of the points in ascending order, lower to upper bounds as a band."""
        from inscape.plotting import Lines, Series

        order = np.lexsort((self.lower, self.upper))
        lower, upper = self.lower[order], self.upper[order]
        known = np.isfinite(upper)
        share = (np.arange(len(order)) + 1) / max(len(order), 1)
        curve = Series(
            x=share,
            y=np.where(known, upper, np.nan),
            name="nearest point found",
            low=np.where(known, lower, np.nan),
            high=np.where(known, upper, np.nan),
        )
        return Lines(
            series=(curve, Series(x=share, y=np.where(np.isfinite(lower), lower, np.nan), name="certified bound")),
            xlabel="share of the points",
            ylabel=f"distance to the boundary, {self.norm:g}-norm (input units)",
            title=f"{int(self.certified.sum())} of {len(order)} distances certified",
        )


def agree(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """(n,) True where both bounds agree to the tolerance, or there is no boundary."""
    with np.errstate(invalid="ignore"):
        near = upper - lower <= 1.000001 * TOLERANCE * upper
    return (near & np.isfinite(upper)) | np.isinf(lower)


def worth(lower: np.ndarray, upper: np.ndarray, *, interrupted: bool = False) -> Status:
    """The status of a search."""
    sure = int(agree(lower, upper).sum())
    if sure == len(lower):
        return Status(verdict=Verdict.CERTIFIED, detail=f"relative gap of at most {TOLERANCE:g}")
    reason = "interrupted" if interrupted else "a limit was reached"
    return Status(verdict=Verdict.LIMIT, count=sure, detail=f"{reason}; {sure} of {len(lower)} certified, bounds hold")


def worth_of_pieces(found: Status, lower: np.ndarray, upper: np.ndarray) -> Status:
    """The status of distances that were read off a boundary on a domain."""
    if found.verdict is Verdict.LIMIT:
        return Status(verdict=Verdict.LIMIT, detail="the boundary covers a part of the domain: upper bounds only")
    beyond = int((lower < upper).sum())
    if beyond:
        detail = f"for {beyond} of {len(lower)} points the wall of the domain is nearer: lower bounds"
        return Status(verdict=Verdict.LIMIT, count=len(lower) - beyond, detail=detail)
    return EXACT if found.verdict is Verdict.EXACT else found
