"""Nearest points of polyhedra: solver and certificate meet, against non-negative least squares and linear programs."""

import math

import numpy as np
import pytest
from scipy.optimize import linprog

from inscape.geometry import Ball
from inscape.geometry._inequalities import Inequalities, certified_distance
from inscape.geometry._nearest_in_ball import nearest
from inscape.testing._distances import _least_distance

NORMS = (1.0, 2.0, math.inf)


def ball(size, norm, low=-math.inf, high=math.inf):
    return Ball(
        centre=np.zeros(size), norm=norm, radius=50.0, low=np.full(size, float(low)), high=np.full(size, float(high))
    )


def polyhedron(seed, *, deviations=0):
    """Inequalities that a known point meets, and that the origin does not."""
    draw = np.random.default_rng(seed)
    rows, size = draw.integers(1, 8), draw.integers(1, 6)
    slopes, inside = draw.standard_normal((rows, size)), draw.uniform(-1, 1, size)
    constants = -slopes @ inside - draw.uniform(0, 0.3, rows) * (draw.random(rows) < 0.7)
    spread = 0.2 * draw.standard_normal((rows, deviations))
    return Inequalities(constants=constants, slopes=slopes, spread=spread, slack=np.zeros(rows))


def truth(rows, norm, low=-math.inf, high=math.inf):
    """The same by other means; deviations are variables from -1 to 1."""
    size, free = rows.slopes.shape[1], rows.spread.shape[1]
    if norm == 2:
        assert not free
        unit = np.eye(size)
        sides = [] if not math.isfinite(low) else [(unit, np.full(size, low)), (-unit, np.full(size, -high))]
        table = np.vstack([-rows.slopes, *(side for side, _ in sides)])
        return _least_distance(table, np.concatenate([rows.constants, *(right for _, right in sides)]))
    parts = size if norm == 1 else 1
    bound = np.eye(size) if norm == 1 else np.ones((size, 1))
    none = np.zeros((size, free))
    table = np.vstack(
        [
            np.hstack([rows.slopes, rows.spread, np.zeros((len(rows.constants), parts))]),
            np.hstack([np.eye(size), none, -bound]),
            np.hstack([-np.eye(size), none, -bound]),
        ]
    )
    found = linprog(
        np.concatenate([np.zeros(size + free), np.ones(parts)]),
        A_ub=table,
        b_ub=np.concatenate([-rows.constants, np.zeros(2 * size)]),
        bounds=[*[(low, high)] * size, *[(-1, 1)] * free, *[(0, None)] * parts],
    )
    return found.fun if found.status == 0 else math.inf


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("limit", [math.inf, 1.0])
def test_certificate_reaches_the_distance(norm, limit):
    for seed in range(60):
        rows = polyhedron(seed)
        held = ball(rows.slopes.shape[1], norm, -limit, limit)
        found, wanted = nearest(held, rows), truth(rows, norm, -limit, limit)
        assert certified_distance(held, rows, found.weights) == pytest.approx(wanted, rel=1e-6, abs=1e-9), seed
        assert held.length(found.offset) == pytest.approx(wanted, rel=1e-5, abs=1e-7), seed


@pytest.mark.parametrize("norm", [1.0, math.inf])
def test_deviations_are_used_jointly(norm):
    for seed in range(40):
        rows = polyhedron(seed, deviations=3)
        held = ball(rows.slopes.shape[1], norm)
        found = nearest(held, rows)
        wanted = truth(rows, norm)
        assert certified_distance(held, rows, found.weights) == pytest.approx(wanted, rel=1e-6, abs=1e-9), seed


@pytest.mark.parametrize("norm", NORMS)
def test_no_weights_give_more_than_the_distance(norm):
    draw = np.random.default_rng(0)
    for seed in range(20):
        rows = polyhedron(seed)
        held, wanted = ball(rows.slopes.shape[1], norm), truth(rows, norm)
        for _ in range(50):
            weights = draw.exponential(size=len(rows.constants)) * (draw.random(len(rows.constants)) < 0.6)
            assert certified_distance(held, rows, weights) <= wanted * (1 + 1e-9) + 1e-12


@pytest.mark.parametrize("norm", NORMS)
def test_an_empty_set_is_farther_than_the_ball(norm):
    rows = Inequalities(
        constants=np.array([1.0, 1.0, 0.2]),
        slopes=np.array([[1.0, 0.0], [-1.0, 0.0], [0.3, 1.0]]),
        spread=np.zeros((3, 0)),
        slack=np.zeros(3),
    )
    held = ball(2, norm)
    assert certified_distance(held, rows, nearest(held, rows, 50.0).weights) >= 50.0


def test_slack_lowers_the_certificate():
    rows = polyhedron(3)
    loose = Inequalities(
        constants=rows.constants, slopes=rows.slopes, spread=rows.spread, slack=np.full(len(rows.constants), 1e-3)
    )
    held = ball(rows.slopes.shape[1], 2.0)
    weights = nearest(held, rows).weights
    assert certified_distance(held, loose, weights) < certified_distance(held, rows, weights)
