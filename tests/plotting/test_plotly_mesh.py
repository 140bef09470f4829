"""Surfaces in plotly: the triangles cover the polygons, one trace a category."""

from dataclasses import replace

import numpy as np
import pytest

from inscape.plotting import Mesh, render
from inscape.plotting._plotly_mesh import triangles


def meshes(figure):
    return [trace for trace in figure.data if trace.type == "mesh3d"]


def area(trace):
    points = np.stack([trace.x, trace.y, trace.z], axis=1).astype(float)
    a, b, c = points[np.asarray(trace.i)], points[np.asarray(trace.j)], points[np.asarray(trace.k)]
    return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2


def test_one_trace_for_each_category_with_its_area(infos):
    found = meshes(render(infos["surface"], backend="plotly"))
    assert [trace.name for trace in found] == list(infos["surface"].names)
    assert [trace.showlegend for trace in found] == [True] * 4
    assert [area(trace) for trace in found] == pytest.approx([2, 2, 2, np.hypot(0.5, 0.4)], rel=1e-6)
    assert len({trace.color for trace in found}) == 4


def test_fans_of_triangles():
    corners, owner = triangles(np.array([0, 3, 8, 12]), np.array([True, True, False]))
    assert corners.tolist() == [[0, 1, 2], [3, 4, 5], [3, 5, 6], [3, 6, 7]]
    assert owner.tolist() == [0, 1, 1, 1]
    assert len(triangles(np.array([0, 3]), np.array([False]))[0]) == 0


def test_numbers_colour_each_triangle_and_unknown_ones_are_grey(infos):
    known, unknown = meshes(render(infos["shades"], backend="plotly"))
    assert np.allclose(known.intensity, np.append(np.repeat(np.linspace(0, 1, 7)[:6], 2), 1.0))
    assert known.intensitymode == "cell"
    assert (known.cmin, known.cmax) == (0.0, 1.0)
    assert known.colorbar.title.text == "slope (1)"
    assert unknown.color == "#bebebe"
    assert len(unknown.i) == 1


def test_borders_are_one_closed_broken_line(monkeypatch, infos):
    figure = render(infos["surface"], backend="plotly")
    (line,) = [trace for trace in figure.data if trace.type == "scatter3d"]
    x = np.asarray(line.x)
    assert np.isnan(x).sum() == 7
    assert len(x) == 6 * 5 + 2 * 4 + 7
    monkeypatch.setattr("inscape.plotting._plotly_mesh.OUTLINED", 7)
    assert all(trace.type == "mesh3d" for trace in render(infos["surface"], backend="plotly").data)


def test_space_keeps_its_proportions_and_window(infos):
    scene = render(infos["surface"], backend="plotly").layout.scene
    sides = infos["surface"].high - infos["surface"].low
    ratio = np.array([scene.aspectratio.x, scene.aspectratio.y, scene.aspectratio.z])
    assert scene.aspectmode == "manual"
    np.testing.assert_allclose(ratio, sides / sides.max())
    assert scene.xaxis.range == (-1, 1)
    assert scene.zaxis.title.text == "z (mm)"


def test_foreign_text_is_escaped(infos):
    info = replace(infos["surface"], names=("<b>", "b", "c", "d"), axes=("<i>", "y", "z"), label="<u>")
    figure = render(info, backend="plotly")
    assert figure.data[0].name == "&lt;b&gt;"
    assert figure.layout.scene.xaxis.title.text == "&lt;i&gt;"
    assert figure.layout.legend.title.text == "&lt;u&gt;"


def test_an_empty_surface_has_axes_only():
    empty = Mesh(points=np.zeros((0, 3)), offsets=[0], values=[], low=(0, 0, 0), high=(1, 1, 1), categorical=True)
    assert len(render(empty, backend="plotly").data) == 0
    assert len(render(replace(empty, categorical=False, values=np.zeros(0)), backend="plotly").data) == 0
