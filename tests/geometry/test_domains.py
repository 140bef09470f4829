"""Charts: orthonormal axes, exact coordinates, clear refusals."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inscape import InscapeError
from inscape._errors import DomainError
from inscape.geometry import Box, Plane, Segment

NUMBERS = st.floats(-100, 100, allow_nan=False, width=32)


@st.composite
def points(draw, count, least=1):
    """A few points of one input space, of shape (n,) or (a, b)."""
    shape = draw(st.one_of(st.tuples(st.integers(least, 6)), st.tuples(st.integers(least, 3), st.integers(1, 3))))
    return draw(arrays(np.float64, (count, *shape), elements=NUMBERS))


def spread(sample):
    """Smallest singular value of the points about the first one, relative to the largest."""
    flat = sample.reshape(len(sample), -1)
    scale = np.linalg.svd(flat[1:] - flat[0], compute_uv=False)
    return scale[-1] / scale[0] if scale[0] > 1e-3 else 0.0


def assert_isometric(chart, t):
    """The axes are orthonormal, and coordinates survive the way into input space and back."""
    assert np.allclose(chart.basis @ chart.basis.T, np.eye(chart.dimension), atol=1e-12)
    assert chart.embed(t).shape == (len(t), *chart.shape)
    assert np.allclose(chart.project(chart.embed(t)), t, atol=1e-9 * (1 + np.abs(chart.origin).max()))


@given(points(2), st.floats(0, 2), arrays(np.float64, (4, 1), elements=NUMBERS))
def test_segment_is_measured_in_euclidean_length(ends, margin, t):
    p, q = ends
    length = np.linalg.norm(q - p)
    assume(length > 1e-3)
    line = Segment(p, q, margin=margin)
    assert_isometric(line, t)
    assert np.allclose(line.embed(line.anchors), ends, atol=1e-9)
    assert np.isclose((line.high - line.low)[0], length * (1 + 2 * margin))


@given(points(3, least=2), st.floats(0, 2), arrays(np.float64, (4, 2), elements=NUMBERS))
def test_plane_goes_through_its_three_points(corners, margin, t):
    assume(spread(corners) > 1e-3)
    plane = Plane.through(*corners, margin=margin)
    assert_isometric(plane, t)
    assert np.allclose(plane.embed(plane.anchors), corners, atol=1e-9)
    assert (plane.anchors >= plane.low - 1e-9).all()
    assert (plane.anchors <= plane.high + 1e-9).all()
    assert np.allclose(plane.high - plane.low, np.ptp(plane.anchors, axis=0) * (1 + 2 * margin))


@given(points(6, least=2))
def test_plane_of_principal_components_is_the_closest_plane(samples):
    flat = samples.reshape(6, -1)
    scale = np.linalg.svd(flat - flat.mean(0), compute_uv=False)
    assume(len(scale) > 1 and scale[1] > 1e-3 * scale[0] and scale[0] > 1e-3)
    plane = Plane.pca(samples)
    assert_isometric(plane, np.array([[1.0, -2.0]]))
    residual = np.linalg.norm(plane.embed(plane.anchors) - samples)
    assert np.isclose(residual, np.linalg.norm(scale[2:]), atol=1e-6 * (1 + scale[0]))


def test_projection_is_the_nearest_point():
    rng = np.random.default_rng(0)
    plane = Plane.through(*rng.standard_normal((3, 5)))
    x = rng.standard_normal((1, 5))
    nearest = np.linalg.norm(plane.embed(plane.project(x)) - x)
    others = plane.embed(plane.project(x) + rng.standard_normal((200, 2)))
    assert nearest <= np.linalg.norm(others - x, axis=1).min()


@given(st.integers(0, 2**32), st.floats(0.01, 50))
def test_random_plane_is_a_square_about_its_centre(seed, radius):
    centre = np.arange(12.0).reshape(3, 4)
    plane = Plane.random(centre, radius=radius, rng=seed)
    assert_isometric(plane, np.array([[0.5, -0.5]]))
    assert np.allclose(plane.embed(np.zeros((1, 2)))[0], centre)
    assert plane.low.tolist() == [-radius, -radius]
    assert plane.high.tolist() == [radius, radius]
    assert (plane.basis == Plane.random(centre, radius=radius, rng=seed).basis).all()


@given(st.floats(0.01, 10))
def test_resized_window_keeps_plane_and_centre(factor):
    plane = Plane.through((0, 0, 1), (3, 0, 1), (0, 2, 0))
    window = plane.resized(factor)
    assert (window.basis == plane.basis).all()
    assert np.allclose(window.low + window.high, plane.low + plane.high)
    assert np.allclose(window.high - window.low, factor * (plane.high - plane.low))


def test_box_is_its_own_chart():
    box = Box(low=(-1, 0, 2), high=(1, 5, 3))
    assert (box.dimension, box.shape) == (3, (3,))
    assert (box.basis == np.eye(3)).all()
    assert (box.origin == 0).all()
    assert box.low.dtype == box.high.dtype == np.float64


def test_tensors_are_taken_as_they_are():
    samples = torch.arange(12.0, requires_grad=True).reshape(3, 2, 2).square()
    assert Plane.through(*samples).shape == (2, 2)
    assert Plane.pca(samples).anchors.shape == (3, 2)
    assert np.allclose(Segment(samples[0], samples[1]).embed(np.zeros((1, 1)))[0], samples[0].detach())
    assert samples.requires_grad


def test_charts_keep_no_memory_of_the_caller():
    corner = np.zeros(2)
    box = Box(low=corner, high=(1, 1))
    corner[:] = 5
    assert (box.low == 0).all()


REFUSED = {
    "low < high": lambda: Box(low=(0, 1), high=(1, 1)),
    r"low\[1\]=2.0, high\[1\]=1.0": lambda: Box(low=(0, 2), high=(1, 1)),
    "one length": lambda: Box(low=(0, 0), high=(1, 1, 1)),
    r"got shapes \(0,\)": lambda: Box(low=(), high=()),
    "low to be finite": lambda: Box(low=(float("nan"), 0), high=(1, 1)),
    "high to be an array of numbers, got str": lambda: Box(low=(0,), high="one"),
    "p equal to q": lambda: Segment((1, 2), (1, 2)),
    "p and q of one shape": lambda: Segment((1, 2), (1, 2, 3)),
    "margin ≥ 0, got -1": lambda: Segment((1, 2), (3, 4), margin=-1),
    "margin ≥ 0, got nan": lambda: Plane.through((0, 0), (1, 0), (0, 1), margin=float("nan")),
    "collinear": lambda: Plane.through((0, 0), (1, 1), (3, 3)),
    "got collinear": lambda: Plane.through((0, 0), (0, 0), (3, 3)),
    "three points of one shape": lambda: Plane.through((0, 0), (0, 0, 1), (3, 3)),
    "at least three samples": lambda: Plane.pca(np.zeros((2, 4))),
    "got an array of shape": lambda: Plane.pca(np.zeros(7)),
    "samples on one line": lambda: Plane.pca(np.outer(np.arange(5.0), [1, 2, 3])),
    "span a plane": lambda: Plane.pca(np.zeros((5, 3))),
    "at least two dimensions": lambda: Plane.random([1.0]),
    "positive radius, got 0": lambda: Plane.random((0, 0), radius=0),
    "x0 to be finite": lambda: Plane.random((0, float("inf"))),
}


@pytest.mark.parametrize(("text", "make"), REFUSED.items(), ids=REFUSED)
def test_degenerate_charts_are_refused_in_words(text, make):
    with pytest.raises(DomainError, match=text) as caught:
        make()
    assert isinstance(caught.value, InscapeError | ValueError)
