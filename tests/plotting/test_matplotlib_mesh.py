"""Surfaces in matplotlib: corners, colours and light."""

import numpy as np
import pytest
from mpl_toolkits.mplot3d import art3d

from inscape.plotting import Mesh, render
from inscape.plotting._matplotlib_mesh import polygon_normals, shaded
from inscape.plotting._theme import categorical, colours_of


def collection(figure):
    (found,) = figure.axes[0].collections
    return found


def test_every_polygon_is_drawn_with_its_corners(monkeypatch, infos):
    info, given = infos["surface"], []

    class Seen(art3d.Poly3DCollection):
        def __init__(self, polygons, **options):
            given.extend(polygons)
            super().__init__(polygons, **options)

    monkeypatch.setattr(art3d, "Poly3DCollection", Seen)
    assert isinstance(collection(render(info)), Seen)
    assert np.allclose(np.concatenate(given), info.points)
    assert [len(polygon) for polygon in given] == [4] * 6 + [3] * 2


def test_colours_are_those_of_the_categories_in_some_light(infos):
    info = infos["surface"]
    base = categorical(4)[info.values] / 255.0
    lit = shaded(info, colours_of(info) / 255.0)
    share = lit.sum(1) / base.sum(1)
    assert np.allclose(lit, base * share[:, None])
    assert (share > 0.5).all()
    assert (share <= 1 + 1e-12).all()
    assert share[0] == pytest.approx(share[1])  # both faces of parallel squares are lit alike
    assert len(np.unique(np.round(share[:6], 6))) == 3


def test_normals_of_squares_and_of_triangles(infos):
    normals = polygon_normals(infos["surface"])
    assert np.allclose(np.abs(normals[:6]), np.repeat(np.eye(3), 2, axis=0))
    assert np.allclose(np.abs(normals[6:]), np.array([0.4, 0, 0.5]) / np.hypot(0.4, 0.5))


def test_a_polygon_without_area_has_no_normal():
    line = Mesh(points=[(0, 0, 0), (1, 1, 1), (2, 2, 2)], offsets=[0, 3], values=[0], low=(0, 0, 0), high=(2, 2, 2))
    assert polygon_normals(line).tolist() == [[0, 0, 0]]


def test_texts_and_window(infos):
    figure = render(infos["surface"], theme="dark")
    axes = figure.axes[0]
    assert [axes.get_xlabel(), axes.get_ylabel(), axes.get_zlabel()] == ["x (mm)", "y (mm)", "z (mm)"]
    assert [axes.get_xlim(), axes.get_ylim(), axes.get_zlim()] == [(-1, 1)] * 3
    assert [text.get_text() for text in figure.texts] == ["A surface"]
    (legend,) = figure.legends
    assert legend.get_title().get_text() == "boundary between"
    assert [text.get_text() for text in legend.get_texts()] == list(infos["surface"].names)


def test_numbers_have_a_colour_bar_and_unknown_ones_are_grey(infos):
    figure = render(infos["shades"])
    assert figure.axes[1].get_ylabel() == "slope (1)"
    grey = colours_of(infos["shades"])[-1]
    assert grey.tolist() == [190, 190, 190]


def test_an_empty_surface_has_axes_only():
    empty = Mesh(points=np.zeros((0, 3)), offsets=[0], values=[], low=(0, 0, 0), high=(1, 1, 1), categorical=True)
    figure = render(empty)
    assert not figure.axes[0].collections
    assert not figure.legends


def test_borders_are_left_out_of_large_surfaces(monkeypatch, infos):
    drawn = collection(render(infos["surface"]))
    assert not np.allclose(drawn.get_edgecolor(), drawn.get_facecolor())
    monkeypatch.setattr("inscape.plotting._matplotlib_mesh.OUTLINED", 7)
    drawn = collection(render(infos["surface"]))
    assert np.allclose(drawn.get_edgecolor(), drawn.get_facecolor())
