"""The rows of a track: from sums to a row, from rows to arrays, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from inscape.gradients._track import GradientTrack
from inscape.gradients._unit_sums import UnitSums, read
from inscape.results import MEASURED, Provenance

_UNITS = {"kappa": True, "occupancy": True, "effective": True, "unsupported": False, "values": False, "units": False}
_LAYERS = {"norm": False, "norm_quantiles": True, "coherence": False, "delta": False, "gradient": False}
"""Columns, and whether they have an axis of quantiles."""

_FIELDS = {"delta": "log_delta", "gradient": "log_gradient"}
"""Columns whose field in a track has another name."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One record.

    Attributes:
        step: optimizer steps done.
        epoch: epochs done.
        units: activation → column → value.
        layers: layer → column → value.
    """

    step: int
    epoch: int
    units: Mapping[str, Mapping[str, Any]]
    layers: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Memory:
    """All that was recorded; it is replaced as a whole, so that an interrupted record leaves no half of one.

    Attributes:
        rows: one for each record.
        refused: layer → why norms of single samples are not known.
        fingerprint: of the model when it was first looked at.
        seconds: time that the records took.
    """

    rows: tuple[Row, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = ""
    seconds: float = 0.0

    def noted(self, refused: Mapping[str, str], fingerprint: str) -> "Memory":
        """The memory with more layers that are refused.

        Args:
            refused: layer → reason.
            fingerprint: of the model.

        Returns:
            A new memory.
        """
        return replace(self, refused={**self.refused, **refused}, fingerprint=fingerprint)

    def grown(self, row: Row, seconds: float) -> "Memory":
        """The memory with one more record.

        Args:
            row: the record.
            seconds: what it took.

        Returns:
            A new memory.
        """
        return replace(self, rows=(*self.rows, row), seconds=self.seconds + seconds)


def unit_row(units: UnitSums, levels: Sequence[float], needed: float) -> dict[str, Any]:
    """What is recorded of the units of one activation.

    Args:
        units: their sums.
        levels: levels of the quantiles.
        needed: effective samples that a unit needs.

    Returns:
        Column → value.
    """
    seen = read(units)
    return {
        "kappa": np.quantile(seen.kappa, levels),
        "occupancy": np.quantile(seen.occupancy, levels),
        "effective": np.quantile(seen.effective, levels),
        "unsupported": float((seen.effective < needed).mean()),
        "values": float(units.values),
        "units": float(len(seen.effective)),
    }


def to_track(
    memory: Memory, *, levels: Sequence[float], needed: float, delta: float, options: Mapping[str, Any]
) -> GradientTrack:
    """Arrays of all rows; NaN where an activation or a layer was not met in a record.

    Args:
        memory: what was recorded.
        levels: levels of the quantiles.
        needed: effective samples that a unit needs.
        delta: level of large slopes.
        options: further options of the tracker.

    Returns:
        The track.
    """
    rows = memory.rows
    activations = tuple(dict.fromkeys(name for row in rows for name in row.units))
    layers = tuple(dict.fromkeys(name for row in rows for name in row.layers))
    columns = {
        name: _array([row.units for row in rows], activations, name, len(levels) if wide else 0)
        for name, wide in _UNITS.items()
    }
    columns |= {
        _FIELDS.get(name, name): _array([row.layers for row in rows], layers, name, len(levels) if wide else 0)
        for name, wide in _LAYERS.items()
    }
    return GradientTrack(
        steps=np.array([row.step for row in rows], dtype=np.int64),
        epochs=np.array([row.epoch for row in rows], dtype=np.int64),
        activations=activations,
        layers=layers,
        levels=np.array(levels),
        **columns,
        refused=dict(memory.refused),
        needed=needed,
        delta=delta,
        status=MEASURED,
        provenance=Provenance(
            function="inscape.gradients.track",
            options={**options, "needed": needed, "delta": delta},
            model=memory.fingerprint,
            seconds=memory.seconds,
        ),
    )


def from_track(track: GradientTrack) -> Memory:
    """The memory that a track was made of.

    Args:
        track: the track.

    Returns:
        The memory.
    """

    def group(i: int, names: Sequence[str], columns: Mapping[str, bool]) -> dict[str, dict[str, Any]]:
        return {
            name: {column: getattr(track, _FIELDS.get(column, column))[i, k] for column in columns}
            for k, name in enumerate(names)
        }

    rows = tuple(
        Row(
            step=int(track.steps[i]),
            epoch=int(track.epochs[i]),
            units=group(i, track.activations, _UNITS),
            layers=group(i, track.layers, _LAYERS),
        )
        for i in range(track.records)
    )
    return Memory(
        rows=rows,
        refused=dict(track.refused),
        fingerprint=track.provenance.model,
        seconds=track.provenance.seconds,
    )


def _array(
    rows: Sequence[Mapping[str, Mapping[str, Any]]], names: Sequence[str], column: str, quantiles: int
) -> np.ndarray:
    shape = (len(rows), len(names), quantiles) if quantiles else (len(rows), len(names))
    made = np.full(shape, np.nan)
    for i, row in enumerate(rows):
        for k, name in enumerate(names):
            if name in row:
                made[i, k] = row[name][column]
    return made
