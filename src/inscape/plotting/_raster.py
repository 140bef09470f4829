"""Polygons to pixels: which cell holds each pixel's centre, without a loop over the cells."""

import numpy as np

from inscape._errors import InputError
from inscape.plotting._info import Heatmap, PolygonMap


def grid_shape(low: np.ndarray, high: np.ndarray, resolution: int) -> tuple[int, int]:
    """Rows and columns of a grid with ``resolution`` pixels on the longer side and nearly square pixels.

    Args:
        low: (2,) lower corner of the window.
        high: (2,) upper corner of the window.
        resolution: pixels on the longer side, ≥ 1.

    Returns:
        Number of rows and of columns.

    Raises:
        InputError: if the resolution is not positive.

    Example:
        >>> grid_shape(np.array([0.0, 0.0]), np.array([2.0, 1.0]), 100)
        (50, 100)
    """
    if resolution < 1:
        raise InputError(f"expected a resolution ≥ 1 pixel, got {resolution}")
    size = high - low
    columns, rows = np.maximum(1, np.rint(resolution * size / size.max())).astype(int)
    return int(rows), int(columns)


def rasterize(info: PolygonMap, resolution: int) -> np.ndarray:
    """Find the cell that holds the centre of every pixel.

    Scan lines through the pixel centres are cut with all edges at once. An edge counts for a scan line at its
    lower end and not at its upper end, a span holds its left end and not its right end, and an edge is always
    evaluated from its lower corner: cells that share corners therefore neither overlap nor leave gaps. Where
    cells do overlap, the later one wins. Cells need not be convex (even-odd rule).

    Args:
        info: the map.
        resolution: pixels on the longer side of the window.

    Returns:
        (h, w) int32 index of the cell, row 0 at the low end of the second axis; -1 where there is none.

    Example:
        >>> corners, ends, one = np.array([(0, 0), (2, 0), (0, 2)]), np.array([0, 3]), np.ones(1)
        >>> info = PolygonMap(points=corners, offsets=ends, values=one, low=np.zeros(2), high=np.full(2, 2))
        >>> rasterize(info, 4)[::-1]
        array([[-1, -1, -1, -1],
               [ 0, -1, -1, -1],
               [ 0,  0, -1, -1],
               [ 0,  0,  0, -1]], dtype=int32)
    """
    rows, columns = grid_shape(info.low, info.high, resolution)
    scale = np.array([columns, rows]) / (info.high - info.low)
    corners = (info.points - info.low) * scale - 0.5
    cell, row, position = _crossings(corners, info.offsets, rows)
    order, pairs = _paired(cell * rows + row, position)
    cell, row = cell[order[::2]], row[order[::2]]
    first, last = np.clip(np.ceil(pairs.T), 0, columns).astype(np.int64)
    grid = np.full(rows * columns, -1, dtype=np.int32)
    span, step = _ragged(last - first)
    grid[row[span] * columns + first[span] + step] = cell[span]
    return grid.reshape(rows, columns)


def _crossings(corners: np.ndarray, offsets: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cell, scan line and position of every crossing of an edge with a line y = 0, 1, ..., rows - 1."""
    following = np.arange(1, len(corners) + 1)
    following[offsets[1:] - 1] = offsets[:-1]
    other = corners[following]
    swap = corners[:, 1] > other[:, 1]
    lower, upper = np.where(swap[:, None], other, corners), np.where(swap[:, None], corners, other)
    first = np.clip(np.ceil(lower[:, 1]), 0, rows).astype(np.int64)
    last = np.clip(np.ceil(upper[:, 1]), 0, rows).astype(np.int64)
    edge, step = _ragged(last - first)
    row = first[edge] + step
    low, high = lower[edge], upper[edge]
    position = low[:, 0] + (high[:, 0] - low[:, 0]) * ((row - low[:, 1]) / (high[:, 1] - low[:, 1]))
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    return owner[edge], row, position


def _paired(line: np.ndarray, position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort crossings by cell and scan line; return the order and (n / 2, 2) positions of entry and exit."""
    order = np.argsort(line, kind="stable")
    ordered = line[order]
    if (ordered[1:-1:2] != ordered[2::2]).all():  # two crossings a line, as in every convex cell
        return order, np.sort(position[order].reshape(-1, 2), axis=1)
    order = np.lexsort((position, line))
    return order, position[order].reshape(-1, 2)


def _ragged(lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Owner and running number of every item of groups with the given lengths."""
    lengths = np.maximum(lengths, 0)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    starts = np.cumsum(lengths) - lengths
    return owner, np.arange(len(owner)) - starts[owner]


def paint(info: PolygonMap | Heatmap, colours: np.ndarray, resolution: int) -> np.ndarray:
    """Draw the cells as an image.

    Polygons are sampled on a grid of twice the resolution and averaged, which smooths their borders.

    Args:
        info: the map.
        colours: (c, 3) or (h, w, 3) uint8 colour of every cell.
        resolution: pixels on the longer side; a heat map is enlarged by a whole factor to at least this.

    Returns:
        (rows, columns, 4) uint8 image, row 0 at the low end of the second axis, transparent where no cell is.
    """
    if isinstance(info, Heatmap):
        factor = max(1, -(-resolution // max(info.values.shape)))
        opaque = np.concatenate([colours, np.full((*colours.shape[:2], 1), 255, np.uint8)], axis=2)
        return opaque.repeat(factor, axis=0).repeat(factor, axis=1)
    labels = rasterize(info, 2 * resolution)
    labels = labels[: len(labels) // 2 * 2 or 1, : labels.shape[1] // 2 * 2 or 1]
    palette = np.concatenate([colours, np.full((len(colours), 1), 255, np.uint8)], axis=1)
    palette = np.concatenate([palette, np.zeros((1, 4), np.uint8)])
    image = palette[labels]
    if info.edges:
        _darken_edges(image, labels, len(colours))
    return _halve(image)


def _darken_edges(image: np.ndarray, labels: np.ndarray, cells: int) -> None:
    size = np.sqrt(labels.size / cells)
    strength = float(np.clip((size - 6) / 20, 0.0, 0.55))
    if strength == 0.0:
        return
    edge = np.zeros(labels.shape, dtype=bool)
    edge[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    edge[1:] |= labels[1:] != labels[:-1]
    image[edge, :3] = (image[edge, :3] * (1 - strength)).astype(np.uint8)


def _halve(image: np.ndarray) -> np.ndarray:
    if min(image.shape[:2]) < 2:
        return image
    total = image[::2, ::2].astype(np.uint16)
    for rows, columns in ((0, 1), (1, 0), (1, 1)):
        total += image[rows::2, columns::2]
    return (total // 4).astype(np.uint8)
