"""Drawing kinds: pure descriptions of a figure, checked when they are made and drawn by two renderers.

Arrays may be given as anything that numpy reads; they are stored as arrays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from inscape._errors import InputError, InputTypeError
from inscape.plotting._checks import (
    array,
    categories,
    finite,
    freeze,
    offsets_of,
    parts,
    require_shape,
    window,
)
from inscape.plotting._waterfall import Waterfall

if TYPE_CHECKING:
    Array: TypeAlias = np.ndarray
    Lines2D: TypeAlias = tuple["Polyline", ...]
    Points2D: TypeAlias = tuple["Markers", ...]
    Curves: TypeAlias = tuple["Series", ...]
else:  # what is given is read and checked when the object is made
    Array = Lines2D = Points2D = Curves = Any


@dataclass(frozen=True, kw_only=True, eq=False)
class Polyline:
    """A line on a map; rows of NaN break it into pieces.

    Attributes:
        points: (n, 2) corners in order, in the map's units.
        name: text in the legend, empty for none.
        width: line width in points, > 0.

    Raises:
        InputError: if the points are no (n, 2) array or the width is not positive.
    """

    points: Array
    name: str = ""
    width: float = 1.4

    def __post_init__(self) -> None:
        points = array("Polyline.points", self.points, np.float64)
        require_shape("Polyline.points", points, ("n", 2))
        if np.isinf(points).any():
            raise InputError("expected Polyline.points to be finite or NaN (a break), got infinity")
        if not (np.isfinite(self.width) and self.width > 0):
            raise InputError(f"expected Polyline.width > 0, got {self.width}")
        freeze(self, points=points)


@dataclass(frozen=True, kw_only=True, eq=False)
class Markers:
    """Named points on a map.

    Attributes:
        points: (m, 2) positions in the map's units.
        names: (m,) texts beside the points, or empty for none.
        values: (m,) category indices that colour the points, or None.

    Raises:
        InputError: if the points are not finite or the lengths differ.
    """

    points: Array
    names: Sequence[str] = ()
    values: Array | None = None

    def __post_init__(self) -> None:
        points = finite("Markers.points", array("Markers.points", self.points, np.float64))
        require_shape("Markers.points", points, ("m", 2))
        if len(self.names) not in (0, len(points)):
            raise InputError(f"expected Markers.names to be empty or {len(points)} long, got {len(self.names)}")
        values = self.values
        if values is not None:
            values = categories("Markers.values", array("Markers.values", values, None), ())
            require_shape("Markers.values", values, (len(points),))
        freeze(self, points=points, names=tuple(map(str, self.names)), values=values)


@dataclass(frozen=True, kw_only=True, eq=False)
class PolygonMap:
    """Cells of a plane, each in one colour.

    Attributes:
        points: (p, 2) corners of all cells, one cell after the other, each counter-clockwise.
        offsets: (c + 1,) cell i has the corners ``points[offsets[i]:offsets[i + 1]]``.
        values: (c,) number, or category index, of every cell; NaN is drawn in grey.
        categorical: whether the values are categories.
        names: names of the categories; empty for no legend.
        all_names: whether the legend lists also categories that do not occur, as frames of a film need it.
        label: title of the legend or of the colour bar, with its unit.
        hover: name → (c,) array of numbers or texts that the page shows under the pointer.
        edges: whether the borders of cells are drawn.
        lines: lines on top of the cells.
        markers: points on top of the cells.
        low: (2,) lower corner of the window.
        high: (2,) upper corner of the window.
        xlabel: name and unit of the first axis.
        ylabel: name and unit of the second axis.
        title: a few words above the figure.
        vmin: value at the low end of the colour bar, None for the least value.
        vmax: value at the high end of the colour bar, None for the largest value.

    Raises:
        InputError: if a shape, an offset, a category or the window does not fit.
    """

    points: Array
    offsets: Array
    values: Array
    categorical: bool = False
    names: tuple[str, ...] = ()
    all_names: bool = False
    label: str = ""
    hover: Mapping[str, Array] = field(default_factory=dict)
    edges: bool = True
    lines: Lines2D = ()
    markers: Points2D = ()
    low: Array
    high: Array
    xlabel: str = ""
    ylabel: str = ""
    title: str = ""
    vmin: float | None = None
    vmax: float | None = None

    def __post_init__(self) -> None:
        points = finite("PolygonMap.points", array("PolygonMap.points", self.points, np.float64))
        require_shape("PolygonMap.points", points, ("p", 2))
        offsets = offsets_of("PolygonMap.offsets", self.offsets, len(points))
        cells = len(offsets) - 1
        names = tuple(map(str, self.names))
        values = array("PolygonMap.values", self.values, None)
        require_shape("PolygonMap.values", values, (cells,))
        values = _values("PolygonMap.values", values, names if self.categorical else None)
        hover = {str(key): np.asarray(item) for key, item in self.hover.items()}
        for key, item in hover.items():
            require_shape(f"PolygonMap.hover[{key!r}]", item, (cells,))
        low, high = window("PolygonMap", self.low, self.high)
        freeze(self, points=points, offsets=offsets, values=values, names=names, hover=hover, low=low, high=high)
        freeze(self, lines=parts("lines", self.lines, Polyline), markers=parts("markers", self.markers, Markers))
        _check_range("PolygonMap", self.vmin, self.vmax)


@dataclass(frozen=True, kw_only=True, eq=False)
class Heatmap:
    """A grid of values on a window of a plane; values belong to the centres of equal rectangles.

    Attributes:
        values: (h, w) numbers or category indices, row 0 at the low end of the second axis; NaN is drawn in grey.
        low: (2,) lower corner of the window.
        high: (2,) upper corner of the window.
        label: title of the legend or of the colour bar, with its unit.
        categorical: whether the values are categories.
        names: names of the categories; empty for no legend.
        hover: name → (h, w) array of numbers or texts that the page shows under the pointer.
        lines: lines on top of the grid.
        markers: points on top of the grid.
        xlabel: name and unit of the first axis.
        ylabel: name and unit of the second axis.
        title: a few words above the figure.
        vmin: value at the low end of the colour bar, None for the least value.
        vmax: value at the high end of the colour bar, None for the largest value.
        equal: whether both axes have one scale, as on a plane in input space.

    Raises:
        InputError: if a shape, a category or the window does not fit.
    """

    values: Array
    low: Array
    high: Array
    label: str = ""
    categorical: bool = False
    names: tuple[str, ...] = ()
    hover: Mapping[str, Array] = field(default_factory=dict)
    lines: Lines2D = ()
    markers: Points2D = ()
    xlabel: str = ""
    ylabel: str = ""
    title: str = ""
    vmin: float | None = None
    vmax: float | None = None
    equal: bool = True

    def __post_init__(self) -> None:
        names = tuple(map(str, self.names))
        values = array("Heatmap.values", self.values, None)
        require_shape("Heatmap.values", values, ("h", "w"))
        if values.size == 0:
            raise InputError(f"expected Heatmap.values to have at least one value, got shape {values.shape}")
        values = _values("Heatmap.values", values, names if self.categorical else None)
        hover = {str(key): np.asarray(item) for key, item in self.hover.items()}
        for key, item in hover.items():
            require_shape(f"Heatmap.hover[{key!r}]", item, values.shape)
        low, high = window("Heatmap", self.low, self.high)
        freeze(self, values=values, names=names, hover=hover, low=low, high=high)
        freeze(self, lines=parts("lines", self.lines, Polyline), markers=parts("markers", self.markers, Markers))
        _check_range("Heatmap", self.vmin, self.vmax)


@dataclass(frozen=True, kw_only=True, eq=False)
class Mesh:
    """Flat convex polygons in space, each in one colour: a surface.

    Attributes:
        points: (p, 3) corners of all polygons, one after the other, each in order around it.
        offsets: (c + 1,) polygon i has the corners ``points[offsets[i]:offsets[i + 1]]``; (0,) for none.
        values: (c,) number, or category index, of every polygon; NaN is drawn in grey.
        low: (3,) lower corner of the window.
        high: (3,) upper corner of the window.
        categorical: whether the values are categories.
        names: names of the categories; empty for no legend.
        label: title of the legend or of the colour bar, with its unit.
        edges: whether the borders of polygons are drawn.
        axes: names and units of the three axes.
        title: a few words above the figure.
        vmin: value at the low end of the colour bar, None for the least value.
        vmax: value at the high end of the colour bar, None for the largest value.

    Raises:
        InputError: if a shape, an offset, a category or the window does not fit.
    """

    points: Array
    offsets: Array
    values: Array
    low: Array
    high: Array
    categorical: bool = False
    names: tuple[str, ...] = ()
    label: str = ""
    edges: bool = True
    axes: Sequence[str] = ("", "", "")
    title: str = ""
    vmin: float | None = None
    vmax: float | None = None

    def __post_init__(self) -> None:
        points = finite("Mesh.points", array("Mesh.points", self.points, np.float64))
        require_shape("Mesh.points", points, ("p", 3))
        none = np.size(self.offsets) == 1 and not len(points)
        offsets = np.zeros(1, np.int64) if none else offsets_of("Mesh.offsets", self.offsets, len(points))
        names = tuple(map(str, self.names))
        values = array("Mesh.values", self.values, None)
        require_shape("Mesh.values", values, (len(offsets) - 1,))
        values = _values("Mesh.values", values, names if self.categorical else None)
        low, high = window("Mesh", self.low, self.high, dimension=3)
        if len(self.axes) != 3:
            raise InputError(f"expected three names in Mesh.axes, got {len(self.axes)}")
        freeze(self, points=points, offsets=offsets, values=values, names=names, low=low, high=high)
        freeze(self, axes=tuple(map(str, self.axes)))
        _check_range("Mesh", self.vmin, self.vmax)


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """One curve, with an interval around it where one is known.

    Attributes:
        x: (n,) positions.
        y: (n,) values; NaN breaks the curve.
        name: text in the legend.
        low: (n,) lower end of the interval, or None.
        high: (n,) upper end of the interval, or None.

    Raises:
        InputError: if the lengths differ or only one end of the interval is given.
    """

    x: Array
    y: Array
    name: str = ""
    low: Array | None = None
    high: Array | None = None

    def __post_init__(self) -> None:
        x = array("Series.x", self.x, np.float64)
        require_shape("Series.x", x, ("n",))
        made = {"x": x}
        if (self.low is None) != (self.high is None):
            raise InputError("expected both low and high of a Series, or neither; got only one of them")
        for name in ("y", "low", "high"):
            given = getattr(self, name)
            if given is not None:
                made[name] = array(f"Series.{name}", given, np.float64)
                require_shape(f"Series.{name}", made[name], (len(x),))
        freeze(self, **made)


@dataclass(frozen=True, kw_only=True, eq=False)
class Lines:
    """Curves over one axis.

    Attributes:
        series: the curves.
        xlabel: name and unit of the first axis.
        ylabel: name and unit of the second axis.
        title: a few words above the figure.
        logx: logarithmic first axis; points that are not positive are left out.
        logy: logarithmic second axis; points that are not positive are left out.

    Raises:
        InputError: if there is no curve.
    """

    series: Curves
    xlabel: str = ""
    ylabel: str = ""
    title: str = ""
    logx: bool = False
    logy: bool = False

    def __post_init__(self) -> None:
        series = parts("series", self.series, Series)
        if not series:
            raise InputError("expected at least one Series in Lines.series, got none")
        freeze(self, series=series)


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """Columns of texts and numbers.

    Attributes:
        columns: heading → values of that column, all of one length.
        caption: what the table shows.

    Raises:
        InputError: if there is no column or the lengths differ.

    Example:
        >>> Table(columns={"layer": ["first"], "units": [64]}).rows
        1
    """

    columns: Mapping[str, Sequence[Any]]
    caption: str = ""

    def __post_init__(self) -> None:
        if not self.columns:
            raise InputError("expected at least one column in Table.columns, got none")
        columns = {str(name): tuple(values) for name, values in self.columns.items()}
        lengths = {name: len(values) for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(f"expected columns of one length in Table.columns, got lengths {lengths}")
        freeze(self, columns=columns)

    @property
    def rows(self) -> int:
        """Number of rows below the headings."""
        return len(next(iter(self.columns.values())))


Info: TypeAlias = PolygonMap | Heatmap | Mesh | Lines | Waterfall | Table
"""Every kind of figure."""


def _values(name: str, values: np.ndarray, names: tuple[str, ...] | None) -> np.ndarray:
    if names is not None:
        return categories(name, values, names)
    if values.dtype.kind not in "biuf":
        raise InputTypeError(f"expected {name} to be numbers, got an array of {values.dtype}")
    values = values.astype(np.float64)
    if np.isinf(values).any():
        raise InputError(f"expected {name} to be finite or NaN (unknown), got infinity; clip it before drawing")
    return values


def _check_range(name: str, vmin: float | None, vmax: float | None) -> None:
    given = [value for value in (vmin, vmax) if value is not None]
    if not np.isfinite(given).all() or (len(given) == 2 and given[0] >= given[1]):
        raise InputError(f"expected finite {name}.vmin < {name}.vmax, got {vmin} and {vmax}")
