"""Rasters against a slow test of every pixel centre in every polygon."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inscape._errors import InputError
from inscape.plotting import Heatmap, PolygonMap, grid_shape, rasterize
from inscape.plotting._raster import paint
from inscape.plotting._theme import colours_of


def polygon_map(polygons, *, low=(0, 0), high=(1, 1), **more) -> PolygonMap:
    return PolygonMap(
        points=np.concatenate(polygons),
        offsets=np.concatenate([[0], np.cumsum([len(polygon) for polygon in polygons])]),
        values=np.arange(len(polygons)),
        low=low,
        high=high,
        **more,
    )


def centres(info, shape):
    x, y = (
        low + (np.arange(count) + 0.5) * (high - low) / count
        for low, high, count in zip(info.low, info.high, shape[::-1], strict=True)
    )
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def inside_by_angle(polygon, point):
    """Winding number by summed angles, one point and one edge at a time."""
    turns = 0.0
    for start, end in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        a, b = start - point, end - point
        turns += np.arctan2(a[0] * b[1] - a[1] * b[0], a @ b)
    return abs(turns) > np.pi


@given(seed=st.integers(0, 10**6), corners=st.integers(3, 9), resolution=st.integers(1, 12))
def test_star_shaped_polygons_equal_the_winding_number(seed, corners, resolution):
    draw = np.random.default_rng(seed)
    angles = np.sort(draw.random(corners)) * 2 * np.pi
    radii = 0.1 + 0.6 * draw.random((corners, 1))
    polygon = draw.random(2) + radii * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    info = polygon_map([polygon])
    grid = rasterize(info, resolution)
    expected = [0 if inside_by_angle(polygon, point) else -1 for point in centres(info, grid.shape)]
    assert grid.ravel().tolist() == expected


@pytest.mark.parametrize("height", [1.0, 0.4, 2.5])
def test_voronoi_pixels_belong_to_the_nearest_site(make_map, height):
    info = make_map(300, height=height)
    sites = np.random.default_rng(0).random((300, 2)) * [1, height]
    grid = rasterize(info, 150)
    points = centres(info, grid.shape)
    nearest = ((points[:, None] - sites) ** 2).sum(-1).argmin(1)
    assert (grid.ravel() == nearest).all()


@pytest.mark.parametrize("cells", [2, 4, 8])
def test_borders_through_pixel_centres_leave_no_gap_and_no_overlap(cells):
    # a checkerboard of 8 pixels a side whose borders, moved by half a pixel, run through pixel centres
    edges = np.concatenate([[0.0], (np.arange(1, cells) / cells * 8 - 0.5) / 8, [1.0]])
    squares = [
        np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
        for y0, y1 in itertools.pairwise(edges)
        for x0, x1 in itertools.pairwise(edges)
    ]
    forward = rasterize(polygon_map(squares), 8)
    backward = len(squares) - 1 - rasterize(polygon_map(squares[::-1]), 8)
    assert (forward >= 0).all()
    assert (forward == backward).all()


def test_parts_outside_the_window_are_cut_off():
    square = np.array([(-5.0, -5.0), (0.5, -5.0), (0.5, 7.0), (-5.0, 7.0)])
    assert rasterize(polygon_map([square]), 4).tolist() == [[0, 0, -1, -1]] * 4


def test_resolution_must_be_positive(make_map):
    with pytest.raises(InputError, match="got 0"):
        rasterize(make_map(10), 0)


def test_grid_shape_follows_the_window():
    assert grid_shape(np.array([0.0, 0.0]), np.array([1.0, 1e-9]), 50) == (1, 50)


def test_cells_are_painted_in_their_colour(make_map):
    info = make_map(40)
    colours = colours_of(info)
    image = paint(info, colours, 400)
    labels = rasterize(info, 400)
    inner = np.zeros(labels.shape, dtype=bool)
    same = [labels[1:-1, 1:-1] == np.roll(labels, s, axis=a)[1:-1, 1:-1] for a in (0, 1) for s in (-1, 1)]
    inner[1:-1, 1:-1] = np.logical_and.reduce(same)
    assert inner.mean() > 0.9
    assert (image[inner][:, :3] == colours[labels[inner]]).mean() > 0.99
    assert (image[..., 3] == 255).all()


def test_edges_are_darker_and_empty_space_is_transparent():
    halves = [np.array([(0, 0), (0.5, 0), (0.5, 0.5), (0, 0.5)]), np.array([(0.5, 0), (1, 0), (1, 0.5), (0.5, 0.5)])]
    grey = np.full((2, 3), 200, np.uint8)
    image = paint(polygon_map(halves), grey, 100)
    assert image[25, 50, 0] < 200 == image[25, 25, 0]
    assert image[75, 50, 3] == 0
    plain = paint(polygon_map(halves, edges=False), grey, 100)
    assert (plain[:50, :, 0] == 200).all()


def test_heatmaps_are_enlarged_by_whole_factors():
    info = Heatmap(values=[[0, 1], [2, 3]], low=(0, 0), high=(1, 1))
    image = paint(info, colours_of(info), 5)
    assert image.shape == (6, 6, 4)
    assert (image[:3, :3] == image[0, 0]).all()


def test_a_window_of_one_pixel_can_be_painted():
    thin = polygon_map([np.array([(0, 0), (1, 0), (1, 1e-6), (0, 1e-6)])], high=(1, 1e-6))
    assert paint(thin, np.zeros((1, 3), np.uint8), 4).shape[1] >= 4
