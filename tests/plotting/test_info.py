"""Drawing kinds refuse what cannot be drawn, and say why."""

import numpy as np
import pytest

from inscape import InscapeError
from inscape._errors import InputError, InputTypeError
from inscape.plotting import Heatmap, Lines, Markers, Mesh, PolygonMap, Polyline, Series, Table

SQUARE = {"points": [(0, 0), (1, 0), (1, 1), (0, 1)], "offsets": [0, 4], "values": [1.0], "low": (0, 0), "high": (1, 1)}
GRID = {"values": np.zeros((2, 3)), "low": (0, 0), "high": (1, 1)}
TRIANGLE = {
    "points": [(0, 0, 0), (1, 0, 0), (0, 1, 1)],
    "offsets": [0, 3],
    "values": [1.0],
    "low": (0, 0, 0),
    "high": (1, 1, 1),
}

BAD = [
    (PolygonMap, SQUARE | {"points": [(0, 0), (1, 0), (1, np.nan), (0, 1)]}, "points to be finite"),
    (PolygonMap, SQUARE | {"points": [0, 1, 2, 3]}, r"points of shape \(p, 2\), got \(4,\)"),
    (PolygonMap, SQUARE | {"points": "cells"}, "array of numbers, got str"),
    (PolygonMap, SQUARE | {"offsets": [0, 3]}, "from 0 to 4, got 0 to 3"),
    (PolygonMap, SQUARE | {"offsets": [0]}, "at least one cell"),
    (PolygonMap, SQUARE | {"offsets": [0, 2, 4], "values": [1, 2]}, "three corners a cell, got 2 in cell 0"),
    (PolygonMap, SQUARE | {"offsets": [0.0, 4.5]}, "whole numbers"),
    (PolygonMap, SQUARE | {"values": [1.0, 2.0]}, r"values of shape \(1,\), got \(2,\)"),
    (PolygonMap, SQUARE | {"values": [np.inf]}, "got infinity"),
    (PolygonMap, SQUARE | {"values": [0.5], "categorical": True}, "whole numbers"),
    (PolygonMap, SQUARE | {"values": [-1], "categorical": True}, "≥ 0, got -1"),
    (PolygonMap, SQUARE | {"values": [2], "categorical": True, "names": ("a", "b")}, "below 2, the number of names"),
    (PolygonMap, SQUARE | {"hover": {"area": [1, 2]}}, r"hover\['area'\] of shape"),
    (PolygonMap, SQUARE | {"high": (1, 0)}, "low < PolygonMap.high"),
    (PolygonMap, SQUARE | {"low": (0, 0, 0)}, r"low of shape \(2,\)"),
    (PolygonMap, SQUARE | {"lines": ("line",)}, "Polyline objects, got str"),
    (PolygonMap, SQUARE | {"vmin": 1.0, "vmax": 0.0}, "vmin < PolygonMap.vmax"),
    (Heatmap, GRID | {"values": np.zeros(3)}, r"shape \(h, w\), got \(3,\)"),
    (Heatmap, GRID | {"values": np.zeros((0, 3))}, "at least one value"),
    (Heatmap, GRID | {"values": [["a"]]}, "array of numbers"),
    (Heatmap, GRID | {"values": np.full((2, 2), -np.inf)}, "clip it"),
    (Heatmap, GRID | {"hover": {"k": np.zeros((3, 2))}}, "hover"),
    (Heatmap, GRID | {"markers": (1,)}, "Markers objects"),
    (Heatmap, GRID | {"vmax": np.nan}, "finite"),
    (Mesh, TRIANGLE | {"points": [(0, 0), (1, 0), (0, 1)]}, r"points of shape \(p, 3\), got \(3, 2\)"),
    (Mesh, TRIANGLE | {"points": np.full((3, 3), np.nan)}, "points to be finite"),
    (Mesh, TRIANGLE | {"offsets": [0]}, "at least one cell"),
    (Mesh, TRIANGLE | {"offsets": [0, 2]}, "from 0 to 3, got 0 to 2"),
    (Mesh, TRIANGLE | {"values": [1, 2]}, r"values of shape \(1,\), got \(2,\)"),
    (Mesh, TRIANGLE | {"values": [3], "categorical": True, "names": ("a",)}, "below 1, the number of names"),
    (Mesh, TRIANGLE | {"low": (0, 0)}, r"low of shape \(3,\), got \(2,\)"),
    (Mesh, TRIANGLE | {"high": (1, 1, 0)}, "low < Mesh.high in all axes"),
    (Mesh, TRIANGLE | {"axes": ("x", "y")}, "three names in Mesh.axes, got 2"),
    (Mesh, TRIANGLE | {"vmin": 1.0, "vmax": 1.0}, "vmin < Mesh.vmax"),
    (Polyline, {"points": [(0, 0, 0)]}, r"\(n, 2\)"),
    (Polyline, {"points": [(0, np.inf)]}, "infinity"),
    (Polyline, {"points": [(0, 0)], "width": 0.0}, "width > 0, got 0"),
    (Markers, {"points": [(0, np.nan)]}, "finite"),
    (Markers, {"points": [(0, 0)], "names": ("a", "b")}, "empty or 1 long, got 2"),
    (Markers, {"points": [(0, 0)], "values": [0, 1]}, r"values of shape \(1,\)"),
    (Series, {"x": [1, 2], "y": [1]}, r"y of shape \(2,\), got \(1,\)"),
    (Series, {"x": [1], "y": [1], "low": [0]}, "only one of them"),
    (Lines, {"series": ()}, "at least one Series"),
    (Lines, {"series": ([1, 2],)}, "Series objects, got list"),
    (Table, {"columns": {}}, "at least one column"),
    (Table, {"columns": {"a": [1], "b": []}}, "one length"),
]


@pytest.mark.parametrize(("kind", "fields", "message"), BAD)
def test_what_cannot_be_drawn_is_refused_by_name(kind, fields, message):
    with pytest.raises(InscapeError, match=message) as caught:
        kind(**fields)
    assert isinstance(caught.value, InputError | InputTypeError)


def test_lists_become_arrays():
    info = PolygonMap(**SQUARE, lines=[Polyline(points=[(0, 0), (1, 1)])])
    assert info.points.shape == (4, 2)
    assert info.offsets.dtype == np.int64
    assert isinstance(info.lines, tuple)


def test_unknown_values_may_be_nan_but_categories_may_not():
    assert np.isnan(PolygonMap(**SQUARE | {"values": [np.nan]}).values[0])
    with pytest.raises(InputError, match="NaN"):
        PolygonMap(**SQUARE | {"values": [np.nan], "categorical": True})


def test_rows_of_a_table():
    assert Table(columns={"a": range(3)}).rows == 3


def test_a_surface_may_be_empty():
    info = Mesh(points=np.zeros((0, 3)), offsets=[0], values=[], low=(0, 0, 0), high=(1, 1, 1), categorical=True)
    assert info.offsets.tolist() == [0]
    assert info.values.dtype == np.int64
