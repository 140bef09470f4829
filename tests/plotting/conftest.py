"""Info objects that several tests draw."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial import Voronoi

from inscape.plotting import Heatmap, Lines, Markers, Mesh, PolygonMap, Polyline, Series, Table, Waterfall

CLASSES = tuple("abcdefghij")


def voronoi_map(cells: int, *, categorical: bool = True, height: float = 1.0) -> PolygonMap:
    """A Voronoi diagram of the rectangle [0, 1] × [0, height]; the cells' value depends on the position only."""
    sites = np.random.default_rng(0).random((cells, 2)) * [1, height]
    mirrored = [sites, sites * [-1, 1], sites * [-1, 1] + [2, 0], sites * [1, -1], sites * [1, -1] + [0, 2 * height]]
    diagram = Voronoi(np.concatenate(mirrored))
    polygons = []
    for region in diagram.point_region[:cells]:
        corners = diagram.vertices[diagram.regions[region]].clip([0, 0], [1, height])
        following = np.roll(corners, -1, axis=0)
        area = (corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]).sum()
        polygons.append(corners if area > 0 else corners[::-1])
    values = (sites[:, 0] * 9.999).astype(int) if categorical else sites[:, 0]
    return PolygonMap(
        points=np.concatenate(polygons),
        offsets=np.concatenate([[0], np.cumsum([len(polygon) for polygon in polygons])]),
        values=values,
        categorical=categorical,
        names=CLASSES if categorical else (),
        label="class" if categorical else "slope (1)",
        hover={"area": np.arange(cells) / cells},
        lines=(Polyline(points=[(0, 0), (1, height), (np.nan, np.nan), (0, height / 2), (1, 0)], name="boundary"),),
        markers=(Markers(points=[(0.2, 0.1 * height), (0.9, 0.8 * height)], names=("one", "two"), values=[0, 9]),),
        low=(0, 0),
        high=(1, height),
        xlabel="x (mm)",
        ylabel="y (mm)",
        title="A map",
    )


def cube_skin(*, categorical: bool = True) -> Mesh:
    """The six squares of a cube of half side 1/2, and a roof of two triangles: eight polygons."""
    squares = []
    for axis in range(3):
        for side in (-0.5, 0.5):
            plane = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
            squares.append(np.insert(plane, axis, side, axis=1))
    roof = [np.array([(x, -0.5, 0.5), (x, 0.5, 0.5), (0.0, 0.0, 0.9)]) for x in (-0.5, 0.5)]
    polygons = [*squares, *roof]
    return Mesh(
        points=np.concatenate(polygons),
        offsets=np.concatenate([[0], np.cumsum([len(polygon) for polygon in polygons])]),
        values=[0, 0, 1, 1, 2, 2, 3, 3] if categorical else np.append(np.linspace(0, 1, 7), np.nan),
        categorical=categorical,
        names=("left | right", "front | back", "below | above", "roof") if categorical else (),
        label="boundary between" if categorical else "slope (1)",
        low=(-1, -1, -1),
        high=(1, 1, 1),
        axes=("x (mm)", "y (mm)", "z (mm)"),
        title="A surface",
    )


def ladder(layers: int, *, path: str = "layers.{}", blocked: int | None = None) -> Waterfall:
    """A log-budget of layers with two steps each: gain 0.2, gate -0.5, the gate of one layer -3, and the total.

    From the gate of layer ``blocked`` on nothing is known.
    """
    rows = [("loss", 0.4, "residual", np.nan)]
    for layer in range(layers, 0, -1):
        name = path.format(layer)
        gate = -np.inf if layer == blocked else -3.0 if layer == 2 else -0.5
        known = blocked is None or layer >= blocked
        rows += [(name, 0.2 if known else np.nan, "weight gain", 0.0)]
        rows += [(f"{name} tanh", gate if known else np.nan, "activation gate", -0.3)]
    rows += [("first layer", np.nan, "total", np.nan)]
    names, values, kinds, reference = zip(*rows, strict=True)
    return Waterfall(
        names=names,
        values=values,
        kinds=kinds,
        totals=[kind == "total" for kind in kinds],
        label="log gradient norm (nats)",
        title="Where the gradient goes",
        hover={"units": np.arange(len(rows)), "share": np.linspace(0, 1, len(rows))},
        reference=reference,
        highlight=[len(rows) - 4],
    )


@pytest.fixture(scope="session")
def make_ladder() -> Callable[..., Waterfall]:
    return ladder


@pytest.fixture(scope="session")
def make_map() -> Callable[..., PolygonMap]:
    return voronoi_map


@pytest.fixture(scope="session")
def infos() -> dict[str, PolygonMap | Heatmap | Mesh | Lines | Waterfall | Table]:
    x = np.arange(1, 40)
    grid = np.add.outer(np.arange(40), np.arange(50))
    window = {"low": (-1, -1), "high": (1.5, 1), "xlabel": "x", "ylabel": "y"}
    curves = tuple(
        Series(x=x, y=np.exp(-x / k), name=f"net {k}", low=0.9 * np.exp(-x / k), high=1.1 * np.exp(-x / k))
        for k in (5, 9)
    )
    return {
        "cells": voronoi_map(200),
        "numbers": voronoi_map(200, categorical=False, height=0.5),
        "many": voronoi_map(6000),
        "heat": Heatmap(values=grid / 90, label="confidence", **window),
        "classes": Heatmap(values=grid // 10, label="class", categorical=True, names=CLASSES, **window),
        "surface": cube_skin(),
        "shades": cube_skin(categorical=False),
        "lines": Lines(series=curves, xlabel="epoch", ylabel="loss (nats)", title="Loss", logy=True),
        "waterfall": ladder(4),
        "table": Table(columns={"layer": ["first", "<b>"], "units": [64, 12345]}, caption="Layers"),
    }


@pytest.fixture(
    params=["cells", "numbers", "many", "heat", "classes", "surface", "shades", "lines", "waterfall", "table"]
)
def info(request, infos) -> PolygonMap | Heatmap | Mesh | Lines | Waterfall | Table:
    return infos[request.param]
