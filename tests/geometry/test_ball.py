"""The way to a half-space inside a box, against linear programs, bisection and closed forms."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

from inscape.geometry import Ball
from inscape.geometry._ball import least_norm

NORMS = (1.0, 2.0, math.inf)


def ball(size, norm, low=None, high=None, radius=math.inf):
    return Ball(
        centre=np.zeros(size),
        norm=norm,
        radius=radius,
        low=np.full(size, -math.inf) if low is None else np.asarray(low, dtype=float),
        high=np.full(size, math.inf) if high is None else np.asarray(high, dtype=float),
    )


def by_program(norm, slope, excess, low, high):
    size = len(slope)
    if norm == 2:
        start = np.where(slope < 0, high, low)
        found = minimize(
            lambda v: v @ v,
            start,
            jac=lambda v: 2 * v,
            bounds=list(zip(low, high, strict=True)),
            constraints={"type": "ineq", "fun": lambda v: -slope @ v - excess, "jac": lambda _: -slope},
            method="SLSQP",
            options={"ftol": 1e-15, "maxiter": 500},
        )
        return math.sqrt(found.fun)
    parts = size if norm == 1 else 1
    bound = np.eye(size) if norm == 1 else np.ones((size, 1))
    table = np.vstack(
        [
            np.concatenate([slope, np.zeros(parts)]),
            np.hstack([np.eye(size), -bound]),
            np.hstack([-np.eye(size), -bound]),
        ]
    )
    found = linprog(
        np.concatenate([np.zeros(size), np.ones(parts)]),
        A_ub=table,
        b_ub=np.concatenate([[-excess], np.zeros(2 * size)]),
        bounds=[*zip(low, high, strict=True), *[(0, None)] * parts],
    )
    return found.fun


@pytest.mark.parametrize("norm", NORMS)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.95))
def test_shortest_way_inside_a_box(norm, seed, share):
    draw = np.random.default_rng(seed)
    slope = draw.standard_normal(size := draw.integers(1, 7))
    slope[draw.random(size) < 0.2] = 0.0
    low, high = -draw.uniform(0, 1, size), draw.uniform(0, 1, size)
    most = float(np.where(slope < 0, -slope * high, -slope * low).sum())
    if most < 1e-3:
        return
    excess = share * most
    distance, offset = least_norm(ball(size, norm, low, high), slope, excess)
    assert -slope @ offset >= excess * (1 - 1e-12)
    assert ((offset >= low) & (offset <= high)).all()
    assert np.linalg.norm(offset, ord=norm) == pytest.approx(distance)
    assert distance == pytest.approx(by_program(norm, slope, excess, low, high), rel=1e-5)


@pytest.mark.parametrize(("norm", "dual"), [(1.0, math.inf), (2.0, 2.0), (math.inf, 1.0)])
def test_without_a_box_it_is_the_excess_over_the_dual_norm(norm, dual):
    slope = np.array([3.0, -4.0, 0.5])
    distance, offset = least_norm(ball(3, norm), slope, 2.0)
    assert distance == pytest.approx(2.0 / np.linalg.norm(slope, ord=dual))
    assert slope @ offset == pytest.approx(-2.0)


@pytest.mark.parametrize("norm", NORMS)
def test_too_small_a_box_and_a_flat_function_have_no_way(norm):
    assert least_norm(ball(2, norm, [-1, -1], [1, 1]), np.array([1.0, 1.0]), 2.1)[0] == math.inf
    assert least_norm(ball(2, norm), np.zeros(2), 0.1)[0] == math.inf
    assert least_norm(ball(2, norm), np.zeros(2), 0.0)[0] == 0.0


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("boxed", [True, False])
def test_largest_bounds_samples_and_is_reached_on_the_plain_ball(norm, boxed):
    draw = np.random.default_rng(0)
    slopes = draw.standard_normal((4, 5))
    low, high = (-draw.uniform(0, 1, 4), draw.uniform(0, 1, 4)) if boxed else (None, None)
    held = ball(4, norm, low, high, radius=0.7)
    points = draw.standard_normal((200_000, 4))
    points *= 0.7 * draw.random((len(points), 1)) ** 0.25 / np.linalg.norm(points, ord=norm, axis=1, keepdims=True)
    points = points[((points >= held.low) & (points <= held.high)).all(1)]
    values = (points @ slopes).max(0)
    assert (values <= held.largest(slopes)).all()
    if not boxed:
        assert held.largest(slopes) == pytest.approx(0.7 * held.dual(slopes), rel=1e-12)
