"""Different half-spaces of a region and its walls, with unit normals."""

from dataclasses import dataclass

import numpy as np

from inscape.geometry._bounds import UNIT_ROUNDOFF
from inscape.geometry._local import LocalRegion

FEW_DIMENSIONS = 12
"""Up to here, and for not too many rows, compiled kernels are faster than HiGHS."""

_FEW_ROWS = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class System:
    """Different half-spaces of unit normals.

    Attributes:
        normals: (m, d) unit normals.
        offsets: (m,) right-hand sides.
        doubt: (m, 2) rounding errors of offset and normal.
        source: (m,) position in the region's arrays, -1 for walls.
    """

    normals: np.ndarray
    offsets: np.ndarray
    doubt: np.ndarray
    source: np.ndarray

    @property
    def small(self) -> bool:
        """Whether the compiled kernels are faster than HiGHS."""
        return self.normals.shape[1] <= FEW_DIMENSIONS and len(self.normals) <= _FEW_ROWS

    def error(self, x: np.ndarray) -> np.ndarray:
        """(m,) bounds on the errors of the slacks at a point."""
        size = 1.0 + np.abs(self.offsets) + float(np.linalg.norm(x))
        return self.doubt[:, 0] + self.doubt[:, 1] * np.linalg.norm(x) + 8 * UNIT_ROUNDOFF * size


def distinct_halfspaces(region: LocalRegion, low: np.ndarray | None, high: np.ndarray | None) -> System:
    """Different half-spaces of the region; where one coincides with a wall it is the wall."""
    rows = region.distinct
    length = np.linalg.norm(region.normals[rows], axis=1)
    normals, offsets = region.normals[rows] / length[:, None], region.offsets[rows] / length
    doubt = region.errors[rows] / length[:, None]
    eye, kept = np.eye(region.dimension), np.ones(len(rows), np.bool_)
    walls, places = [], []
    for sign, wall in ((-1.0, low), (1.0, high)):
        if wall is not None:
            walls.append(sign * eye)
            places.append(sign * np.asarray(wall, dtype=np.float64))
            near = np.sqrt(np.maximum(2 - 2 * sign * normals, 0.0))
            allowed = doubt[:, 1:] + 1e-12
            same = (near <= allowed) & (np.abs(offsets[:, None] - places[-1]) <= (doubt[:, :1] + allowed))
            kept &= ~same.any(1)
    return System(
        normals=np.concatenate([normals[kept], *walls]),
        offsets=np.concatenate([offsets[kept], *places]),
        doubt=np.concatenate([doubt[kept], *(np.zeros((len(wall), 2)) for wall in walls)]),
        source=np.concatenate([rows[kept], np.full(sum(map(len, walls)), -1)]),
    )
