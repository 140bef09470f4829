"""Nearest points of polytopes against closed forms and the conditions of Karush, Kuhn and Tucker."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from inscape.geometry import nearest_point


@given(dimension=st.integers(1, 8), seed=st.integers(0, 10**6))
@settings(max_examples=40)
def test_box_clamps(dimension, seed):
    rng = np.random.default_rng(seed)
    eye, x = np.eye(dimension), rng.normal(scale=3, size=dimension)
    normals, offsets = np.concatenate([eye, -eye]), np.ones(2 * dimension)
    assert nearest_point(normals, offsets, x) == pytest.approx(np.clip(x, -1, 1), abs=1e-9)
    on_top = nearest_point(normals, offsets, x, on=0)
    assert on_top == pytest.approx(np.concatenate([[1.0], np.clip(x[1:], -1, 1)]), abs=1e-9)


@given(dimension=st.integers(2, 8), count=st.integers(3, 30), seed=st.integers(0, 10**6))
@settings(max_examples=40)
def test_what_is_left_points_out_of_the_rows_that_hold(dimension, count, seed):
    rng = np.random.default_rng(seed)
    normals = rng.standard_normal((count, dimension))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    offsets, x = rng.exponential(size=count) + 0.05, rng.normal(scale=4, size=dimension)
    y = nearest_point(normals, offsets, x)
    assert (normals @ y - offsets).max() <= 1e-8
    tight = normals[np.abs(normals @ y - offsets) <= 1e-7]
    rest = nnls(tight.T, x - y)[1] if len(tight) else np.linalg.norm(x - y)
    assert rest <= 1e-6


def test_no_point():
    assert nearest_point(np.array([[1.0, 0.0], [-1.0, 0.0]]), np.array([-1.0, -1.0]), np.zeros(2)) is None
