"""The thin layer over HiGHS: outcomes, new rows, limits, silence."""

from time import perf_counter

import numpy as np
import pytest

from inscape.geometry._linear_program import LinearProgram, Outcome

QUADRANT = (np.eye(2), np.ones(2))


def test_optimum_ray_and_new_rows():
    program = LinearProgram(*QUADRANT)
    outcome, best = program.maximise(np.array([1.0, 2.0]))
    assert outcome is Outcome.OPTIMAL
    assert best == pytest.approx([1, 1])
    outcome, ray = program.maximise(np.array([-1.0, 0.5]))
    assert outcome is Outcome.UNBOUNDED
    assert ray[0] < 0
    assert ray[1] <= 0
    program.add(np.array([-1.0, -1.0]), 3.0)
    outcome, best = program.maximise(np.array([-1.0, 0.5]))
    assert outcome is Outcome.OPTIMAL
    assert best == pytest.approx([-4, 1])


def test_limit_and_infeasible():
    program = LinearProgram(*QUADRANT)
    program.limit(0, -np.inf, -2.0)
    assert program.maximise(np.array([1.0, 1.0]))[1] == pytest.approx([-2, 1])
    none = LinearProgram(np.array([[1.0], [-1.0]]), np.array([1.0, -2.0]))
    assert none.maximise(np.ones(1))[0] is Outcome.INFEASIBLE


def test_time_that_is_over():
    assert LinearProgram(*QUADRANT, until=perf_counter() - 1).maximise(np.ones(2))[0] is Outcome.FAILED
    assert LinearProgram(*QUADRANT, until=perf_counter() + 100).maximise(np.ones(2))[0] is Outcome.OPTIMAL


def test_silence(capfd):
    LinearProgram(*QUADRANT).maximise(np.ones(2))
    assert capfd.readouterr() == ("", "")
