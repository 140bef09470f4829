"""One record of a tracker: what a network looks like on a domain at one moment."""

from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import torch

from inscape._errors import InputError
from inscape.geometry import Box, Chart
from inscape.network import Network
from inscape.regions._boundary import Boundary, boundary
from inscape.regions._divide import partition
from inscape.regions._patterns import pattern_keys
from inscape.regions._track import Frame
from inscape.results import Verdict


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a tracker asks at every record."""

    domain: Chart
    every: int
    between: tuple[int, int] | None
    level: float
    max_cells: int
    points: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    example: Any


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a network looks like at one moment; the patterns are None where a limit cut them short."""

    row: dict[str, Any]
    frame: Frame | None
    patterns: np.ndarray | None
    width: int


def look(network: Network, asked: Question) -> Seen:
    """Cut the domain, count, and measure the boundary.

    Args:
        network: the network.
        asked: what is asked.

    Returns:
        The record without its step.
    """
    cells = partition(network, asked.domain, max_cells=asked.max_cells, progress=False)
    found = boundary(
        network, asked.domain, between=asked.between, level=asked.level, max_cells=asked.max_cells, progress=False
    )
    keys, width = pattern_keys(cells)
    limited = Verdict.LIMIT in {cells.status.verdict, found.status.verdict}
    row = {
        "regions": len(keys),
        "length": found.length,
        "components": found.components,
        "uncertain": int(cells.uncertain.sum()),
        "limited": limited,
        "areas": found.class_areas,
    }
    frame = _frame(found) if asked.domain.dimension == 2 else None
    return Seen(row=row, frame=frame, patterns=None if limited else keys, width=width)


def no_room(domain: Chart, classes: int, width: int) -> Seen:
    """A record for which the limit leaves no room at all.

    Args:
        domain: the domain.
        classes: number of classes.
        width: predicates in a pattern.

    Returns:
        The record without its step, with a frame that shows nothing.
    """
    row = {
        "regions": 0,
        "length": nan,
        "components": 0,
        "uncertain": 0,
        "limited": True,
        "areas": np.full(classes, nan),
    }
    frame = Frame(
        points=np.tile(domain.low, (3, 1)).astype(np.float32),  # a piece of no area
        offsets=np.array([0, 3], np.int32),
        classes=np.zeros(1, np.int16),
        segments=np.zeros((0, 2, 2), np.float32),
    )
    return Seen(row=row, frame=frame if domain.dimension == 2 else None, patterns=None, width=width)


def _frame(found: Boundary) -> Frame:
    points, offsets = found.polygons()
    return Frame(
        points=points.astype(np.float32),
        offsets=offsets.astype(np.int32),
        classes=found.classes.astype(np.int16),
        segments=found.segments.astype(np.float32),
    )


def drawn_points(domain: Chart, data: Any) -> tuple[np.ndarray, np.ndarray]:
    """Chart coordinates and labels of the points to draw.

    Args:
        domain: the domain.
        data: samples, a pair of samples and labels, or None.

    Returns:
        (m, 2) points and (m,) labels, either of which may be empty.

    Raises:
        InputError: if the samples are not on a plane, or the labels do not fit.
    """
    nothing = np.zeros((0, 2)), np.zeros(0, np.int64)
    if data is None:
        return nothing
    samples, labels = data if isinstance(data, tuple | list) and len(data) == 2 else (data, None)
    x = np.asarray(samples.detach().cpu() if isinstance(samples, torch.Tensor) else samples, dtype=np.float64)
    if domain.dimension != 2 or x.shape[1:] != domain.shape:
        raise InputError(f"expected data (n, {', '.join(map(str, domain.shape))}) on a plane, got shape {x.shape}")
    points = x if isinstance(domain, Box) else domain.project(x)
    if labels is None:
        return points, nothing[1]
    y = np.asarray(labels.detach().cpu() if isinstance(labels, torch.Tensor) else labels).reshape(-1)
    if len(y) != len(x) or not np.array_equal(y, y.astype(np.int64)) or y.min(initial=0) < 0:
        raise InputError(f"expected {len(x)} labels, whole numbers ≥ 0, got an array of shape {y.shape}")
    return points, y.astype(np.int64)
