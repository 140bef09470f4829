"""Solids against voxels: components and Euler characteristic, and slices against the plane's exact geometry."""

from itertools import product
from math import pi, tan

import numpy as np
import pytest
import torch

from inscape._errors import InputError
from inscape.regions import Box, Plane, boundary
from inscape.results import Verdict
from inscape.testing import ball_net, balls_net, inside_polygon, sphere_points, torus_net


def voxels(model, reach, count=40):
    axis = np.linspace(-reach, reach, count)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    with torch.no_grad():
        return (model(torch.from_numpy(grid))[:, 0] > 0).numpy().reshape(count, count, count)


def euler(solid):
    """Vertices - edges + faces - voxels of the closed voxels: χ of the union."""
    total = 0
    padded = np.pad(solid, 1)
    for axes in product((False, True), repeat=3):  # along which axes the face has no extent
        kept = padded
        for axis, flat in enumerate(axes):
            if flat:
                low, high = [slice(None)] * 3, [slice(None)] * 3
                low[axis], high[axis] = slice(None, -1), slice(1, None)
                kept = kept[tuple(low)] | kept[tuple(high)]
        total += (-1) ** (3 - sum(axes)) * int(kept.sum())
    return total


def parts(solid):
    from scipy.ndimage import label

    return label(solid)[1]


@pytest.mark.parametrize(
    ("model", "reach", "components", "characteristic"),
    [
        (ball_net(3, faces=20), 2.0, 1, 1),
        (balls_net([[-1.5, 0, 0], [1.5, 0, 0], [0, 2.5, 0]], faces=14), 4.0, 3, 3),
        (torus_net(), 4.0, 1, 0),
        (torus_net(blocks=9, sides=6, major=2.5, minor=0.8), 4.0, 1, 0),
    ],
    ids=["ball", "balls", "torus", "fine torus"],
)
def test_topology_of_voxels(model, reach, components, characteristic):
    solid = voxels(model, reach)
    assert parts(solid) == components
    assert parts(~solid) == 1
    assert euler(solid) == characteristic


def test_euler_counts_known_solids():
    block = np.ones((2, 3, 4), np.bool_)
    ring = np.ones((3, 3, 1), np.bool_)
    ring[1, 1] = False
    shell = np.ones((3, 3, 3), np.bool_)
    shell[1, 1, 1] = False
    assert (euler(block), euler(ring), euler(shell)) == (1, 0, 2)


def test_slices_of_the_torus():
    model = torus_net()
    flat = Plane.through((-4, -4, 0), (4, -4, 0), (-4, 4, 0), margin=0)
    upright = Plane.through((0, -4, -4), (0, 4, -4), (0, -4, 4), margin=0)
    found = boundary(model, flat)
    assert (found.components, found.class_components.tolist()) == (2, [2, 1])
    found = boundary(model, upright)
    assert (found.components, found.class_components.tolist()) == (2, [1, 2])


def test_disc_has_the_area_of_its_polygon():
    found = boundary(ball_net(2, faces=10, radius=0.5, jitter=0.0), Box(low=(-1, -1), high=(1, 1)))
    assert found.class_areas[1] == pytest.approx(0.25 * 10 * tan(pi / 10))
    assert found.components == 1
    found = boundary(balls_net([[-0.5, 0], [0.5, 0]], radius=0.3, faces=8), Box(low=(-1, -1), high=(1, 1)))
    assert (found.components, found.class_components.tolist()) == (2, [1, 2])


def test_interval():
    found = boundary(ball_net(1, radius=0.25, jitter=0.0), Box(low=(-1,), high=(1,)))
    assert sorted(found.segments.ravel().tolist()) == [-0.25, 0.25]


def test_default_balls_and_tori_are_in_general_position():
    assert boundary(ball_net(2), Box(low=(-2, -2), high=(2, 2))).status.verdict is Verdict.EXACT
    oblique = Plane.through((-3, 0.1, -0.2), (3, -0.3, 0.4), (0.2, 3, 0.1))
    assert boundary(torus_net(), oblique).status.verdict is Verdict.EXACT


def test_points_are_spread():
    points = sphere_points(200, 3)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1)
    apart = np.linalg.norm(points[:, None] - points, axis=2) + 9 * np.eye(200)
    assert apart.min() > 0.5 * np.sqrt(4 * pi / 200)
    assert np.linalg.norm(points.mean(0)) < 1e-2


def test_inside_polygon():
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], dtype=float)
    points = np.array([(0.5, 0.5), (1.5, 0.5), (-0.5, 0.5), (0.5, 1.5)])
    assert inside_polygon(points, square).tolist() == [True, False, False, False]


def test_refusals():
    with pytest.raises(InputError, match="dimension 1, 2 or 3"):
        sphere_points(10, 4)
    with pytest.raises(InputError, match="more vectors"):
        sphere_points(3, 3)
    with pytest.raises(InputError, match="off the axis"):
        torus_net(major=1.0, minor=0.9)
    with pytest.raises(InputError, match="blocks ≥ 4"):
        torus_net(blocks=3)
