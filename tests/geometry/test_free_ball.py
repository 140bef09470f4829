"""Balls that hold no target: never beyond the true distance, exact for affine networks, better than nothing."""

import math

import numpy as np
import pytest

from inscape.geometry._approach import Problem
from inscape.geometry._ball import Ball
from inscape.geometry._family import Target, head_start
from inscape.geometry._free_ball import free_radius
from inscape.network import read
from inscape.regions import distance
from inscape.testing import distance_by_milp, distance_by_patterns, random_net, sequential

NORMS = (1, 2, math.inf)
DUAL = {1: math.inf, 2: 2, math.inf: 1}


def problem(model, x, norm):
    network = read(model, x[None]).frozen()
    outputs = network.evaluate(x[None]).ravel()
    top = int(outputs.argmax())
    targets = (
        tuple(Target(left=top, right=j) for j in range(len(outputs)) if j != top)
        if len(outputs) > 1
        else (Target(left=0, offset=0.0, sign=1 if outputs[0] > 0 else -1),)
    )
    none = np.full(x.size, np.inf)
    ball = Ball(centre=x, norm=float(norm), radius=0.0, low=-none, high=none)
    framed, known = head_start(network, ball)
    return Problem(program=network, ball=framed, targets=targets, known=known)


@pytest.mark.parametrize("norm", NORMS)
def test_affine_networks_are_exact(norm):
    weight, bias, x = np.array([[3.0, -4.0, 1.0]]), np.array([2.0]), np.array([1.0, 1.0, 0.5])
    truth = abs(float(weight[0] @ x + bias[0])) / np.linalg.norm(weight[0], ord=DUAL[norm])
    found = free_radius(problem(sequential([(weight, bias)]), x, norm), 10 * truth)
    assert found <= truth
    assert found == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("widths", [[2, 5, 3], [3, 5, 4, 2], [4, 6, 1]])
def test_no_target_is_nearer_than_the_oracle_says(widths, norm):
    for seed in range(3):
        model, x = random_net(widths, rng=seed), np.random.default_rng(seed).normal(size=widths[0])
        truth = distance_by_patterns(model, x) if norm == 2 else distance_by_milp(model, x, norm)
        start = truth * 1.5 if math.isfinite(truth) else 5.0
        assert 0 < free_radius(problem(model, x, norm), start) <= truth * (1 + 1e-9)


def test_a_ball_that_is_free_as_a_whole_is_said_at_once():
    model, x = random_net([3, 5, 2], rng=0), np.full(3, 0.2)
    truth = distance_by_patterns(model, x)
    assert free_radius(problem(model, x, 2), truth * 1e-3) == truth * 1e-3


def test_a_search_that_was_stopped_at_once_still_has_a_bound():
    model, x = random_net([12, 30, 30, 4], rng=0), np.random.default_rng(0).uniform(size=(3, 12))
    stopped, ended = distance(model, x, max_cells=1), distance(model, x, max_cells=400)
    assert (stopped.lower > 0).all()
    assert (stopped.lower <= ended.upper * (1 + 1e-9)).all()
