"""Closed forms against brute force, against one another, and against known values."""

from fractions import Fraction
from itertools import product
from math import comb, factorial, log10

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inscape import InscapeError
from inscape._errors import InputError, InputTypeError
from inscape.geometry import Box
from inscape.regions import counting
from inscape.regions._counting import whole
from inscape.testing import (
    arrangements,
    braid,
    cells_by_dense_sampling,
    cells_by_lp,
    count_by_lp,
    grid,
    moment_curve,
    random_arrangement,
    random_net,
)


def one_layer(arrangement):
    return [(arrangement.normals, arrangement.offsets), (np.ones((1, len(arrangement.normals))), np.zeros(1))]


@pytest.mark.parametrize(("n", "d", "cells"), [(0, 3, 1), (3, 2, 7), (5, 2, 16), (6, 3, 42), (4, 7, 16), (5, 0, 1)])
def test_generic_cells_known_values(n, d, cells):
    assert counting.generic_cells(n, d) == cells


@pytest.mark.parametrize(("n", "d", "cells"), [(0, 2, 0), (0, 0, 1), (2, 2, 0), (3, 2, 1), (5, 2, 6), (6, 3, 10)])
def test_bounded_cells_known_values(n, d, cells):
    assert counting.bounded_cells(n, d) == cells


@pytest.mark.parametrize(("n", "d", "cells"), [(0, 2, 1), (1, 3, 2), (5, 1, 2), (3, 2, 6), (4, 3, 14), (3, 5, 8)])
def test_central_cells_known_values(n, d, cells):
    assert counting.central_cells(n, d) == cells


@pytest.mark.parametrize("n", range(1, 7))
@pytest.mark.parametrize("d", range(1, 4))
def test_simple_counts_are_those_of_the_moment_curve(n, d):
    generic = moment_curve(n, d)
    assert counting.arrangement_cells(generic.normals, generic.offsets) == counting.generic_cells(n, d)
    assert counting.bounded_arrangement_cells(generic.normals, generic.offsets) == counting.bounded_cells(n, d)
    assert counting.arrangement_cells(generic.normals) == counting.central_cells(n, d)


@given(arrangements(max_hyperplanes=6, max_dimension=3))
@settings(max_examples=40)
def test_zaslavsky_counts_what_linear_programs_find(arrangement):
    counted = counting.arrangement_cells(arrangement.normals, arrangement.offsets)
    assert counted == count_by_lp(one_layer(arrangement), arrangement.box())


@given(arrangements(max_hyperplanes=6, max_dimension=2))
@settings(max_examples=25)
def test_bounded_cells_are_those_that_do_not_reach_a_far_wall(arrangement):
    box = arrangement.box()
    wall = []
    for axis, sign in product(range(arrangement.dimension), (-1, 1)):
        low, high = box.low * 1000, box.high * 1000
        low[axis], high[axis] = sorted([sign * high[axis], sign * (high[axis] + 1)])
        wall += cells_by_lp(one_layer(arrangement), Box(low=low, high=high)).tolist()
    unbounded = {tuple(pattern) for pattern in wall}
    every = {tuple(pattern) for pattern in cells_by_lp(one_layer(arrangement), box).tolist()}
    assert counting.bounded_arrangement_cells(arrangement.normals, arrangement.offsets) == len(every - unbounded)


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_braid_arrangement_has_a_factorial_of_cells(d):
    assert counting.arrangement_cells(braid(d).normals) == factorial(d + 1)


def test_braid_polynomial_in_four_coordinates():
    differences = [[1, -1, 0, 0], [1, 0, -1, 0], [1, 0, 0, -1], [0, 1, -1, 0], [0, 1, 0, -1], [0, 0, 1, -1]]
    assert counting.characteristic_polynomial(differences) == (0, -6, 11, -6, 1)  # t (t-1) (t-2) (t-3)
    assert counting.arrangement_cells(differences) == 24
    assert counting.bounded_arrangement_cells(differences) == 0


def test_grid_with_repeated_and_negated_rows_has_125_cells():
    rows = grid(5, 3)
    normals, offsets = np.vstack([rows.normals, -rows.normals]), np.r_[rows.offsets, -rows.offsets]
    assert counting.arrangement_cells(normals, offsets) == 125
    assert counting.bounded_arrangement_cells(normals, offsets) == 27


def test_floats_are_taken_at_their_exact_value():
    lines = [[1.0, 0.0], [1.0, 0.0]]
    assert counting.arrangement_cells(lines, [0.3, 0.1 + 0.2]) == 3  # these two floats differ
    assert counting.arrangement_cells(lines, [0.3, 0.3]) == 2
    assert counting.arrangement_cells([[Fraction(1, 3)], [Fraction(2, 3)]], [Fraction(1), Fraction(2)]) == 2


def test_rows_without_a_normal_are_no_hyperplanes():
    assert counting.arrangement_cells([[0, 0], [0, 0], [1, 2]], [1, 0, 0]) == 2
    assert counting.arrangement_cells(np.zeros((0, 2)), np.zeros(0)) == 1


@pytest.mark.parametrize(("n", "d", "affine"), [(4, 2, True), (5, 2, True), (4, 3, False), (5, 2, False)])
def test_dichotomies_are_the_labellings_that_a_plane_makes(n, d, affine):
    arrangement = random_arrangement("generic", n, d, rng=0)
    points = np.column_stack([arrangement.normals, arrangement.offsets]) if affine else arrangement.normals
    box = Box(low=-np.ones(points.shape[1]), high=np.ones(points.shape[1]))
    separable = count_by_lp([(points, np.zeros(n)), (np.ones((1, n)), np.zeros(1))], box)
    assert counting.dichotomies(n, d, affine=affine) == separable


@pytest.mark.parametrize("n", [2, 5, 9])
def test_at_twice_the_capacity_half_of_all_dichotomies_are_linear(n):
    assert counting.dichotomies(2 * n, n) == 2 ** (2 * n - 1)


@given(st.integers(1, 10_000), st.integers(1, 6), st.booleans())
def test_least_hyperplanes_is_the_threshold(cells, d, central):
    if central and d == 1 and cells > 2:
        with pytest.raises(InputError, match="at most two cells, got cells="):
            counting.least_hyperplanes(cells, d, central=True)
        return
    count = counting.central_cells if central else counting.generic_cells
    n = counting.least_hyperplanes(cells, d, central=central)
    assert count(n, d) >= cells
    assert n == 0 or count(n - 1, d) < cells


@given(st.lists(st.integers(1, 7), min_size=1, max_size=4), st.integers(1, 5))
def test_bounds_stand_in_their_order(widths, d):
    lower, serra = counting.montufar_lower(widths, d), counting.serra_upper(widths, d)
    assert 1 < lower <= serra <= counting.montufar_upper(widths, d) <= counting.raghu_upper(widths, d)
    assert counting.raghu_upper(widths, d) <= counting.pattern_upper(widths) == 2 ** sum(widths)
    assert counting.maxout_upper(widths, 2, d) == counting.montufar_upper(widths, d)
    assert counting.maxout_upper(widths, 1, d) == 1


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(1, 4))
def test_serra_is_its_defining_sum(widths, d):
    total = 0
    for j in product(*[range(width + 1) for width in widths]):
        limits = [min([d, *[widths[k] - j[k] for k in range(i)]]) for i in range(len(widths))]
        if all(chosen <= limit for chosen, limit in zip(j, limits, strict=True)):
            total += np.prod([comb(width, chosen) for width, chosen in zip(widths, j, strict=True)], dtype=int)
    assert counting.serra_upper(widths, d) == total


@pytest.mark.parametrize(("widths", "d"), [([3, 3], 1), ([5, 3], 2), ([2, 3, 3], 2), ([1, 4], 2), ([3, 4], 3)])
@pytest.mark.parametrize("kind", ["generic", "integer", "negated"])
def test_no_network_exceeds_the_upper_bounds(widths, d, kind):
    box = Box(low=-np.full(d, 3.0), high=np.full(d, 3.0))
    counts = [count_by_lp(random_net([d, *widths, 1], kind=kind, rng=seed), box) for seed in range(3)]
    assert max(counts) <= counting.serra_upper(widths, d)


def test_serra_is_tight_on_a_line():
    folded = [(np.array([[1.0]]), np.array([0.0])), (np.array([[1.0]]), np.array([-1.0])), (np.eye(1), np.zeros(1))]
    assert counting.serra_upper([1, 1], 1) == count_by_lp(folded, Box(low=(-1,), high=(3,))) == 3


@pytest.mark.parametrize(("widths", "rank", "d"), [([3], 2, 2), ([2], 3, 2), ([1], 5, 1)])
def test_one_layer_of_maxout_stays_within_its_bound(widths, rank, d):
    units, random = widths[0], np.random.default_rng(0)
    weight, bias = random.standard_normal((units, rank, d)), random.standard_normal((units, rank))
    points = random.uniform(-20, 20, size=(20_000, d))
    leaders = (np.einsum("nd,ukd->nuk", points, weight) + bias).argmax(-1)
    assert 1 < len(np.unique(leaders, axis=0)) <= counting.maxout_upper(widths, rank, d)


def test_scales():
    assert counting.expected_scale(192, 2) == 1 + 192 + 192 * 191 // 2
    assert counting.asymptotic_scale(10, 3) == Fraction(1000, 6)
    assert float(counting.asymptotic_scale(10**6, 2) / counting.expected_scale(10**6, 2)) == pytest.approx(1, abs=2e-6)


def test_bounds_table_has_the_gap_to_the_count():
    table = counting.bounds([64, 64, 64], 2, exact=6668)
    assert {len(column) for column in table.values()} == {8}
    assert table["regions"][-1] == "6,668"
    assert table["gap"][-1] == 0.0
    assert table["gap"][0] == pytest.approx(log10(counting.montufar_lower([64, 64, 64], 2) / 6668))
    at_most = [gap for gap, says in zip(table["gap"], table["says"], strict=True) if says == "at most"]
    assert min(at_most) > 0


def test_bounds_of_a_large_network_are_written_as_powers_of_ten():
    table = counting.bounds([512] * 4, 784)
    assert "gap" not in table
    assert table["regions"][-1] == f"{10 ** (2048 * log10(2) % 1):.2f}e616"
    assert all(np.isfinite(table["log10"]))


def test_chao_known_values():
    result = counting.chao1([10, 4, 2, 2, 1, 1, 1, 0])
    assert (result.samples, result.observed, result.singletons, result.doubletons) == (21, 7, 3, 2)
    assert result.estimate == pytest.approx(7 + 20 / 21 * 3 * 2 / (2 * 3))
    assert result.coverage == pytest.approx(1 - 3 / 21)
    assert result.low <= result.estimate <= result.high
    assert result.coverage_low < result.coverage < result.coverage_high


def test_chao_has_nothing_to_add_where_all_was_seen_often():
    result = counting.chao1([50, 70, 90])
    assert (result.estimate, result.low, result.high, result.coverage) == (3.0, 3.0, 3.0, 1.0)


def test_chao_interval_covers_the_count_of_equal_cells():
    random = np.random.default_rng(0)
    covered = errors = 0
    for _ in range(200):
        sample = counting.chao1(np.bincount(random.integers(100, size=150), minlength=100))
        covered += sample.low <= 100 <= sample.high
        share = sample.observed / 100
        errors += not sample.coverage_low <= share <= sample.coverage_high
    assert covered >= 180
    assert errors <= 20


def test_chao_on_a_network_lies_between_seen_and_bound():
    net = random_net([2, 8, 1], rng=2)
    box = Box(low=(-2, -2), high=(2, 2))
    points = np.random.default_rng(0).uniform(-2, 2, size=(300, 2))
    weight, bias = net[0].weight.detach().numpy(), net[0].bias.detach().numpy()
    _, counts = np.unique(points @ weight.T + bias > 0, axis=0, return_counts=True)
    result = counting.chao1(counts)
    assert len(cells_by_dense_sampling(net, box, resolution=20)) <= count_by_lp(net, box)
    assert result.observed <= result.estimate
    assert result.low <= count_by_lp(net, box) <= counting.generic_cells(8, 2)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: counting.generic_cells(-1, 2), "expected hyperplanes ≥ 0, got hyperplanes=-1"),
        (lambda: counting.bounded_cells(2, -1), "got dimension=-1"),
        (lambda: counting.central_cells(-3, 2), "got hyperplanes=-3"),
        (lambda: counting.dichotomies(0, 2), "expected points ≥ 1"),
        (lambda: counting.least_hyperplanes(0, 2), "expected cells ≥ 1"),
        (lambda: counting.serra_upper([3, 0], 2), "expected every width ≥ 1"),
        (lambda: counting.raghu_upper([], 2), "at least one hidden layer"),
        (lambda: counting.maxout_upper([3], 0, 2), "expected rank ≥ 1"),
        (lambda: counting.expected_scale(3, 0), "expected dimension ≥ 1"),
        (lambda: counting.bounds([3], 2, exact=0), "expected exact ≥ 1"),
        (lambda: counting.characteristic_polynomial([1.0, 2.0]), r"shape \(hyperplanes, dimension\)"),
        (lambda: counting.arrangement_cells([[1.0, np.nan]]), "expected normals to be finite"),
        (lambda: counting.arrangement_cells([[1.0, 2.0]], [np.inf]), "expected offsets to be finite"),
        (lambda: counting.arrangement_cells([[1.0, 2.0]], [1.0, 2.0]), "one offset for each of 1 normals, got 2"),
        (lambda: counting.chao1([]), "one for each pattern"),
        (lambda: counting.chao1([1.5]), "whole numbers"),
        (lambda: counting.chao1([3, -1]), "expected counts ≥ 0, got -1"),
        (lambda: counting.chao1([0, 0]), "at least one sampled point"),
    ],
)
def test_bad_input_is_named(call, match):
    with pytest.raises(InputError, match=match) as caught:
        call()
    assert isinstance(caught.value, InscapeError)


def test_a_count_is_a_whole_number():
    with pytest.raises(InputTypeError, match=r"expected units to be a whole number, got 2\.5"):
        whole("units", 2.5)
