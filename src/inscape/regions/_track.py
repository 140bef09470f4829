"""The regions of a network while it is trained: one row a record, and what a film needs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from inscape._errors import InputError
from inscape.geometry import Chart
from inscape.regions._read import words
from inscape.results import Provenance, Result, Status

_CURVES = {
    "cells": ("number of activation patterns", ("regions", "births", "deaths")),
    "length": ("length of the decision boundary (input units)", ("length",)),
    "components": ("number of connected curves", ("components",)),
    "areas": ("area (square input units)", ()),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """The decision regions at one step, in single precision, as a film shows them.

    Attributes:
        points: (p, 2) corners of the pieces, counter-clockwise.
        offsets: (c + 1,) piece i has the corners ``points[offsets[i]:offsets[i + 1]]``.
        classes: (c,) class of each piece.
        segments: (s, 2, 2) ends of the boundary's straight pieces.
    """

    points: np.ndarray
    offsets: np.ndarray
    classes: np.ndarray
    segments: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Track(Result):
    """What :class:`Tracker` recorded; all arrays have one entry for each record.

    Attributes:
        domain: the domain.
        steps: (n,) optimizer steps done.
        epochs: (n,) epochs done, -1 where they are not known.
        regions: (n,) activation patterns of full dimension inside the domain.
        births: (n,) patterns that the record before did not have; NaN at the first record, and where a limit cut one
            of the two.
        deaths: (n,) patterns of the record before that are gone; NaN likewise.
        length: (n,) length of the decision boundary in input units; in dimension 1 its number of points.
        components: (n,) connected curves of the boundary.
        areas: (n, K) area of each class in square input units.
        uncertain: (n,) cells with a decision below the rounding bound.
        limited: (n,) whether ``max_cells`` was reached, so that the row covers a part of the domain.
        frames: one for each record, or empty.
        names: names of the classes.
        points: (m, 2) data points on the plane, in chart coordinates.
        labels: (m,) class of each point, or empty.
        status: exact, uncertain(n) or limit(n), n the number of records it concerns.
        provenance: options, fingerprint of the model at the first record.
    """

    kind: ClassVar[str] = "track"
    works: ClassVar[tuple[str, ...]] = ("vandenberg2016",)

    domain: Chart
    steps: np.ndarray
    epochs: np.ndarray
    regions: np.ndarray
    births: np.ndarray
    deaths: np.ndarray
    length: np.ndarray
    components: np.ndarray
    areas: np.ndarray
    uncertain: np.ndarray
    limited: np.ndarray
    frames: tuple[Frame, ...]
    names: tuple[str, ...]
    points: np.ndarray
    labels: np.ndarray
    status: Status
    provenance: Provenance

    @property
    def records(self) -> int:
        """Number of records."""
        return len(self.steps)

    def facts(self) -> dict[str, object]:
        """Name → value for the summary."""
        found: dict[str, object] = {"domain": words(self.domain), "records": self.records}
        if self.records:
            found |= {
                "steps": f"{self.steps[0]} to {self.steps[-1]}",
                "regions": f"{self.regions[0]} to {self.regions[-1]}, most {self.regions.max()}",
                "births": int(np.nansum(self.births)),
                "deaths": int(np.nansum(self.deaths)),
                "boundary length": f"{self.length[0]:.6g} to {self.length[-1]:.6g}",
                "boundary components": f"{self.components[0]} to {self.components[-1]}",
            }
        return found

    def columns(self) -> dict[str, Any]:
        """One row for each record."""
        found: dict[str, Any] = {
            "step": self.steps,
            "epoch": self.epochs,
            "regions": self.regions,
            "births": self.births,
            "deaths": self.deaths,
            "length": self.length,
            "components": self.components,
        }
        found |= {f"area_{k}": self.areas[:, k] for k in range(self.areas.shape[1])}
        return found | {"uncertain": self.uncertain, "limited": self.limited}

    def info(self, *, which: str = "cells") -> Any:
        """Curves over the steps.

        Args:
            which: ``"cells"`` (with births and deaths), ``"length"``, ``"components"`` or ``"areas"``.

        Returns:
            A ``plotting.Lines``.

        Raises:
            InputError: if there is no such curve or nothing was recorded.
        """
        from inscape.plotting import Lines, Series

        if which not in _CURVES:
            raise InputError(f"expected which to be one of {', '.join(_CURVES)}, got {which!r}")
        if not self.records:
            raise InputError("nothing was recorded yet; there is no curve to draw")
        label, names = _CURVES[which]
        curves = {name: np.asarray(getattr(self, name), dtype=np.float64) for name in names}
        if which == "areas":
            curves = {self.names[k]: self.areas[:, k] for k in range(self.areas.shape[1])}
        return Lines(
            series=tuple(Series(x=self.steps, y=y, name=name) for name, y in curves.items()),
            xlabel="optimizer step",
            ylabel=label,
            title=f"{label[0].upper()}{label[1:].partition(' (')[0]} by step",
        )

    def frame(self, record: int = -1) -> Any:
        """Decision regions, boundary and data points at one record.

        Args:
            record: number of the record; negative numbers count from the end.

        Returns:
            A ``plotting.PolygonMap``.

        Raises:
            InputError: if there is no such frame.
        """
        from inscape.regions._track_draw import frame_info

        if not -len(self.frames) <= record < len(self.frames):
            kept = f"{len(self.frames)} frames" if self.frames else "no frames, which need a domain of dimension 2"
            raise InputError(f"there is no frame {record}; the track holds {kept}")
        return frame_info(self, record % len(self.frames))

    def animation(
        self, path: str | Path, *, seconds: float = 0.4, most: int = 60, theme: str = "light", dpi: int = 110
    ) -> Path:
        """Write a film of the decision regions: ``.gif``, or ``.html`` with a slider and the numbers.

        Axes and colours are the same in all frames. A frame of some hundred cells takes about 80 kB.

        Args:
            path: target; its ending chooses the format.
            seconds: time for which each frame is shown.
            most: most frames; of more records an even choice is shown, with the first and the last.
            theme: ``"light"`` or ``"dark"``.
            dpi: dots per inch.

        Returns:
            The path written.

        Raises:
            InputError: if there are no frames, or fewer than two are asked for.
        """
        from inscape.plotting import save_animation
        from inscape.regions._track_draw import caption

        if most < 2:
            raise InputError(f"expected most ≥ 2 frames, got {most}")
        count = max(self.records, 1)  # without a record, frame() says what is missing
        shown = np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64)).tolist()
        return save_animation(
            [self.frame(i) for i in shown],
            path,
            seconds=seconds,
            captions=[caption(self, i) for i in shown],
            title="Decision regions in training",
            theme=theme,
            dpi=dpi,
        )
