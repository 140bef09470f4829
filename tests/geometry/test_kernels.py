"""Each kernel against a slow oracle in numpy or fractions; small enough to run as plain Python as well."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core import caching

from inscape.geometry import _kernels_edges as edges
from inscape.geometry import _kernels_signs as signs
from inscape.geometry import locate_in_plane, locate_on_line
from inscape.geometry._kernels_compile import allocating_kernel
from inscape.geometry._kernels_merge import dissolve, merge_cells, straight_vertices

pytestmark = pytest.mark.interpreted

WORDS = st.integers(0, 2**64 - 1)


def predicates(width, count, seed, *, error=1e-12, cap=1e-9):
    """Random predicates: a third plain, a third with an offset, a third differences."""
    rng = np.random.default_rng(seed)
    left, right = rng.integers(0, width, (2, count))
    kind = rng.integers(0, 3, count)
    return signs.Predicates(
        left.astype(np.int32),
        np.where((kind == 2) & (right != left), right, -1).astype(np.int32),
        np.where(kind == 1, rng.normal(size=count), 0.0),
        np.full(count, error),
        np.ones(count),
        np.full(count, cap),
    )


def plain(width, *, error=1e-12, cap=1e-9):
    none = np.full(width, -1, np.int32)
    every = np.ones(width)
    return signs.Predicates(np.arange(width, dtype=np.int32), none, 0.0 * every, error * every, every, cap * every)


def evaluated(values, chosen):
    """(V, n) values of all predicates."""
    other = np.where(chosen.right >= 0, values[:, chosen.right], 0.0)
    return values[:, chosen.left] - chosen.offset - other


def bits(words, n):
    return np.array([[int(row[p // 64]) >> (p % 64) & 1 for p in range(n)] for row in words], dtype=bool).reshape(-1, n)


@given(st.lists(WORDS, min_size=1, max_size=6))
@settings(max_examples=30)
def test_bits_are_counted_found_and_unpacked(words):
    for word in words:
        assert edges.popcount(np.uint64(word)) == bin(word).count("1")
        if word:
            assert edges.lowest(np.uint64(word)) == (word & -word).bit_length() - 1
    packed = np.array([words], dtype=np.uint64)
    for n in (1, 64 * len(words) - 5, 64 * len(words)):
        assert np.array_equal(signs.unpack(packed, n), bits(packed, n))


@pytest.mark.parametrize("count", [1, 5, 63, 64, 65, 130])
def test_signs(count):
    values = np.random.default_rng(count).normal(size=(20, 7))
    values[3] = 0.0
    chosen = predicates(7, count, count)
    z = evaluated(values, chosen)
    found = signs.classify(values, chosen, np.zeros(20))
    assert np.array_equal(bits(found.pos, count), z > 1e-12)
    assert np.array_equal(bits(found.neg, count), z < -1e-12)
    doubtful = (np.abs(z) <= 1e-12) & ((z != 0) | (chosen.right < 0))
    assert np.array_equal(found.marks, doubtful.any(1))


@pytest.mark.parametrize("width", [1, 64, 70])
def test_signs_of_the_values_themselves_are_the_same_in_both_forms(width):
    values = np.random.default_rng(width).normal(size=(30, width))
    values[::3] *= 1e-10
    values[5, 0] = 0.0
    radius = np.where(np.arange(30) % 2, 1e-10, 0.0)
    one, other = (f(values, plain(width), radius) for f in (signs.classify, signs.classify_plain))
    assert np.array_equal(one.pos, other.pos)
    assert np.array_equal(one.neg, other.neg)
    assert np.array_equal(one.marks, other.marks)


def test_a_doubtful_value_is_zero_only_below_the_cap():
    values = np.array([[1e-10], [1e-8], [-1e-8], [-1e-10], [1.0]])
    found = signs.classify(values, plain(1, error=1e-6, cap=1e-9), np.zeros(5))
    assert bits(found.pos, 1).ravel().tolist() == [False, True, False, False, True]
    assert bits(found.neg, 1).ravel().tolist() == [False, False, True, False, False]
    assert found.marks.tolist() == [True, True, True, True, False]


def test_sharp_bounds_decide_what_the_loose_ones_left_open():
    values = np.array([[1e-10], [-1e-10], [0.0], [1e-14]])
    chosen = plain(1, error=1e-6)
    found = signs.classify(values, chosen, np.zeros(4))
    signs.resolve(values, np.arange(4), np.array([[1e-12], [1e-12], [0.0], [1e-12]]), chosen, found)
    assert bits(found.pos, 1).ravel().tolist() == [True, False, False, False]
    assert bits(found.neg, 1).ravel().tolist() == [False, True, False, False]
    assert found.marks.tolist() == [False, False, False, True]


@pytest.mark.parametrize("count", [3, 64, 70])
def test_zeros_at_single_vertices(count):
    """A strip of four triangles; zeros are few, but predicate 0 vanishes on all of one triangle."""
    rng = np.random.default_rng(count)
    corner, start = np.array([0, 1, 2, 1, 3, 2, 2, 3, 4, 3, 5, 4], np.int32), np.array([0, 3, 6, 9, 12])
    z = rng.integers(-1, 2, (6, count))
    z[[2, 3, 4], 0] = 0
    found = signs.classify(z.astype(float), plain(count), np.zeros(6))
    lonely = bits(signs.lonely_zeros(start, corner, found, count), count)
    for v in range(6):
        for p in range(count):
            around = [corner[start[c] : start[c + 1]] for c in range(4)]
            whole = any(v in cell and not z[cell, p].any() for cell in around)
            assert lonely[v, p] == (z[v, p] == 0 and not whole)


def test_largest_absolute_values():
    values = np.random.default_rng(0).normal(size=(9, 4))
    assert np.array_equal(signs.column_reach(values), np.abs(values).max(0))
    assert np.array_equal(signs.column_reach(values[:0]), np.zeros(4))


def crossed(ends, xy, values, chosen, found, record=None):
    return edges.cross_edges(ends, np.zeros(len(ends)), xy, np.zeros(len(xy)), values, chosen, found, record)


def crossing_case(seed, count=9, *, vertices=8, dimension=2):
    rng = np.random.default_rng(seed)
    values, xy = rng.normal(size=(vertices, 5)), rng.normal(size=(vertices, dimension))
    ends = np.array([rng.choice(vertices, 2, replace=False) for _ in range(7)], dtype=np.int32)
    chosen = predicates(5, count, seed, error=1e-14)
    found = signs.classify(values, chosen, np.zeros(vertices))
    return values, xy, ends, chosen, found, crossed(ends, xy, values, chosen, found)


@pytest.mark.parametrize("seed", range(4))
def test_crossings_are_those_of_fractions(seed):
    values, _, ends, chosen, _, found = crossing_case(seed)
    for e, (a, b) in enumerate(ends):
        exact = []
        for p in range(len(chosen.left)):
            za, zb = (
                Fraction(values[v, chosen.left[p]])
                - Fraction(chosen.offset[p])
                - (Fraction(values[v, chosen.right[p]]) if chosen.right[p] >= 0 else 0)
                for v in (a, b)
            )
            if za * zb < 0:
                exact.append((za / (za - zb), p))
        entries = range(found.total[e], found.total[e + 1])
        assert len(entries) == len(exact)
        for i, (s, _) in zip(entries, sorted(exact), strict=True):
            assert abs(float(s) - found.s[found.vertex[i]]) < 1e-12
        assert {found.predicate[i] for i in entries} == {p for _, p in exact}
        assert found.sub[e + 1] - found.sub[e] == 1 + len({found.vertex[i] for i in entries})
    shared = np.bincount(found.vertex, minlength=len(found.s)) > 1  # some predicates are drawn twice
    assert np.array_equal(found.doubt, shared)
    assert (found.origin == -1).all()


def test_two_predicates_that_vanish_together_share_a_vertex():
    values = np.array([[-1.0, -2.0, 1.0], [1.0, 2.0, 0.5]])
    chosen, ends = plain(3), np.array([[0, 1]], np.int32)
    found = signs.classify(values, chosen, np.zeros(2))
    made = crossed(ends, np.array([[0.0], [2.0]]), values, chosen, found)
    assert made.s.tolist() == [0.5]
    assert sorted(made.predicate.tolist()) == [0, 1]
    assert made.sub.tolist() == [0, 2]


@pytest.mark.parametrize("seed", range(3))
def test_recorded_crossings_are_copied(seed):
    values, xy, ends, chosen, found, record = crossing_case(seed)
    moved = values * 1.5  # another block, whose own crossings would lie elsewhere
    chosen = chosen._replace(offset=chosen.offset + 0.1)
    known = edges.Record(np.arange(7, dtype=np.int32), 100, record)
    copy = crossed(ends, xy, moved, chosen, found, known)
    for name in ("total", "predicate", "vertex", "sub", "edge", "s", "radius"):
        assert np.array_equal(getattr(copy, name), getattr(record, name)), name
    assert np.array_equal(copy.origin, 100 + np.arange(len(record.s)))


@pytest.mark.parametrize("seed", range(3))
def test_edges_are_cut_in_order(seed):
    _, xy, ends, _, _, found = crossing_case(seed)
    label, radius = np.arange(7, dtype=np.int32) * 10, np.arange(7) / 10
    sub_ends, sub_label, sub_radius = edges.cut_edges(ends, label, radius, found, len(xy))
    placed = edges.interpolate(xy, ends[found.edge, 0], ends[found.edge, 1], found.s)
    for e, (a, b) in enumerate(ends):
        part = slice(found.sub[e], found.sub[e + 1])
        chain = sub_ends[part]
        assert (chain[0, 0], chain[-1, 1]) == (a, b)
        assert np.array_equal(chain[1:, 0], chain[:-1, 1])
        assert (sub_label[part] == label[e]).all()
        assert (sub_radius[part] == radius[e]).all()
        assert np.linalg.norm(np.diff(placed[chain], axis=1)[:, 0], axis=1).sum() == pytest.approx(
            np.linalg.norm(xy[b] - xy[a])
        )


def test_interpolation_may_build_on_its_own_rows():
    rows = np.array([[0.0, 8.0], [4.0, 0.0]])
    found = edges.interpolate(rows, np.array([0, 2]), np.array([1, 1]), np.array([0.25, 0.5]))
    assert found.tolist() == [[0, 8], [4, 0], [1, 6], [2.5, 3]]


def test_known_values_are_pinned():
    values = np.ones((3, 2))
    edges.pin(values, np.array([0, 2]), np.array([1, 0]), np.array([0.0, 6.0]))
    assert values.tolist() == [[1, 0], [1, 1], [6, 1]]


def board(n):
    """An n x n board of unit squares as a complex: start, half, ends, label, points."""
    number = np.arange((n + 1) ** 2).reshape(n + 1, n + 1)  # [row, column]
    flat = np.stack([number[:, :-1], number[:, 1:]], axis=-1).reshape(-1, 2)
    upright = np.stack([number[:-1], number[1:]], axis=-1).reshape(-1, 2)
    across = np.arange(len(flat)).reshape(n + 1, n)
    up = len(flat) + np.arange(len(upright)).reshape(n, n + 1)
    rows, columns = np.divmod(np.arange(n * n), n)
    sides = [across[rows, columns], up[rows, columns + 1], across[rows + 1, columns], up[rows, columns]]
    half = 2 * np.stack(sides, axis=1) + np.array([0, 0, 1, 1])
    label = np.concatenate([np.repeat(np.arange(n + 1), n), np.tile(np.arange(n + 1), n) + n + 1])
    points = np.stack(np.meshgrid(np.arange(n + 1.0), np.arange(n + 1.0)), axis=-1).reshape(-1, 2)
    ends = np.concatenate([flat, upright]).astype(np.int32)
    return np.arange(0, 4 * n * n + 1, 4), half.astype(np.int32).ravel(), ends, label.astype(np.int32), points


def areas(start, half, ends, points):
    corners = points[ends[half >> 1, half & 1]]
    after = points[ends[half >> 1, 1 - (half & 1)]]
    cross = corners[:, 0] * after[:, 1] - corners[:, 1] * after[:, 0]
    return np.array([cross[a:b].sum() / 2 for a, b in pairwise(start)])


@pytest.mark.parametrize("seed", range(5))
def test_joined_cells_have_the_area_of_their_parts(seed):
    """Stripes of random width on a board: every group is a rectangle."""
    n = 4
    start, half, ends, label, points = board(n)
    columns = np.cumsum(np.random.default_rng(seed).integers(0, 2, n))
    group = np.tile(columns, n).astype(np.int64)
    new_start, new_half, member = merge_cells(start, half, ends, len(points), np.zeros(n * n, np.int32), group)
    sizes = {g: int((group == g).sum()) for g in set(group.tolist())}
    assert len(member) == len(sizes)
    assert areas(new_start, new_half, ends, points) == pytest.approx([sizes[int(group[m])] for m in member])
    used = np.unique(new_half >> 1)
    inner = np.bincount(new_half >> 1)[used]
    assert inner.max() <= 2
    drop = straight_vertices(new_half, ends, label, len(points))
    s, h, e, origin = dissolve(new_start, new_half, ends, drop)
    assert areas(s, h, e, points) == pytest.approx(areas(new_start, new_half, ends, points))
    assert (label[origin] >= 0).all()
    assert (np.diff(s) >= 4).all()
    assert len(np.unique(e)) - len(e) + len(s) - 1 == 1


def test_cells_of_different_parents_are_not_joined():
    start, half, ends, _, points = board(2)
    parent, group = np.array([0, 0, 1, 1], np.int32), np.array([0, 0, 1, 1], np.int64)
    new_start, new_half, member = merge_cells(start, half, ends, len(points), parent, group)
    assert areas(new_start, new_half, ends, points).tolist() == [2, 2]
    assert parent[member].tolist() == [0, 1]


def test_only_straight_vertices_of_degree_two_are_dropped():
    start, half, ends, label, points = board(3)
    drop = straight_vertices(half, ends, label, len(points))
    assert not drop.any()
    one = np.zeros(9, np.int64)
    new_start, new_half, _ = merge_cells(start, half, ends, len(points), np.zeros(9, np.int32), one)
    drop = straight_vertices(new_half, ends, label, len(points))
    _, h, e, _ = dissolve(new_start, new_half, ends, drop)
    assert len(h) == len(e) == 4
    assert sorted(map(tuple, points[np.unique(e)].tolist())) == [(0, 0), (0, 3), (3, 0), (3, 3)]


def test_points_on_a_board_from_any_guess():
    n = 5
    start, half, ends, _, points = board(n)
    neighbours = np.full((len(ends), 2), -1, np.int32)
    neighbours[half >> 1, half & 1] = np.repeat(np.arange(n * n), 4)
    t = np.random.default_rng(0).uniform(0, n, (60, 2))
    found = np.full(60, -2, np.int64)
    guess = np.random.default_rng(1).integers(0, n * n, 60)
    locate_in_plane(start, half, ends, points, neighbours, guess, t, found)
    assert np.array_equal(found, np.floor(t[:, 1]) * n + np.floor(t[:, 0]))
    outside = np.array([[-0.1, 2.0], [2.0, 5.1], [9.0, 9.0]])
    locate_in_plane(start, half, ends, points, neighbours, guess[:3], outside, found[:3])
    assert found[:3].tolist() == [-1, -1, -1]


def test_points_on_a_line_of_shuffled_cells():
    order = np.random.default_rng(0).permutation(8)
    ends = np.stack([order, order + 1], axis=1).astype(np.int32)
    t = np.random.default_rng(1).uniform(-1, 9, (50, 1))
    found = np.full(50, -2, np.int64)
    locate_on_line(ends, np.arange(9.0)[:, None], np.argsort(order), t, found)
    inside = (t[:, 0] >= 0) & (t[:, 0] <= 8)
    assert (found[~inside] == -1).all()
    assert np.array_equal(order[found[inside]], np.floor(t[inside, 0]))


def test_kernels_compile_where_no_cache_can_be_written(monkeypatch):
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])

    def twice(x):
        return 2 * x

    assert allocating_kernel(twice)(21) == 42
