"""Where the names of markers go: inside the window and, as far as a simple rule can do it, not on each other."""

import numpy as np

from inscape.plotting._info import Heatmap, Markers, PolygonMap

_HEIGHT, _CHARACTER = 0.07, 0.026


def label_places(info: PolygonMap | Heatmap, markers: Markers) -> list[tuple[bool, bool]]:
    """Choose a corner of every marker for its name.

    Names of markers in the left half go to the right and the other way round. A name goes above a marker of the
    lower half and below one of the upper half, unless that place is taken by an earlier name.

    Args:
        info: the map, for its window.
        markers: the markers.

    Returns:
        For every marker whether its name stands to the right, and whether it stands above.
    """
    positions = (markers.points - info.low) / (info.high - info.low)
    taken: list[np.ndarray] = []
    places = []
    for index, (x, y) in enumerate(positions):
        name = markers.names[index] if markers.names else ""
        right, above = bool(x <= 0.5), bool(y <= 0.5)
        boxes = {up: _box(x, y, len(name), right=right, above=up) for up in (above, not above)}
        if any(_overlap(boxes[above], box) for box in taken) and not any(
            _overlap(boxes[not above], box) for box in taken
        ):
            above = not above
        taken.append(boxes[above])
        places.append((right, above))
    return places


def _box(x: float, y: float, characters: int, *, right: bool, above: bool) -> np.ndarray:
    width = characters * _CHARACTER
    return np.array([x if right else x - width, y if above else y - _HEIGHT, width, _HEIGHT])


def _overlap(first: np.ndarray, second: np.ndarray) -> bool:
    apart = (first[:2] >= second[:2] + second[2:]) | (second[:2] >= first[:2] + first[2:])
    return not bool(apart.any())
