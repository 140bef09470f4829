"""Facets of polytopes against sets of vertices in plain Python, hyperplanes that are known, and Qhull."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from inscape._errors import InputError
from inscape.geometry import Box
from inscape.geometry._pairing import numbered, random_words
from inscape.testing import arranged, cubes, polytope

pytestmark = pytest.mark.interpreted


def arrangement(d, n, seed, *, through_origin=False):
    rows = np.random.default_rng(seed).normal(size=(n, d + 1))
    rows[:, -1] *= 0.0 if through_origin else 0.4
    return rows, arranged(rows, Box(low=[-1.0] * d, high=[1.0] * d))


CASES = [(3, 5, False), (3, 3, True), (4, 3, False), (4, 4, True), (5, 2, False)]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"d{case[0]}-n{case[1]}-{case[2]}")
def case(request):
    d, n, central = request.param
    return arrangement(d, n, 7, through_origin=central)


def sides_as_sets(made):
    """For each side of each cell, its cell and the set of its vertices."""
    rows = []
    for c in range(made.cell_count):
        here = slice(made.start[c], made.start[c + 1])
        for k in range(made.side_start[c + 1] - made.side_start[c]):
            on = (made.masks[here, k // 64] >> np.uint64(k % 64)) & np.uint64(1) != 0
            rows.append((c, frozenset(made.corners[here][on].tolist())))
    return rows


def test_sides_are_paired_by_their_vertices(case):
    _, made = case
    cells = {}
    for c, corners in sides_as_sets(made):
        cells.setdefault(corners, []).append(c)
    found = {
        frozenset(made.facets.corners[made.facets.start[f] : made.facets.start[f + 1]].tolist()): sides[sides >= 0]
        for f, sides in enumerate(made.neighbours)
    }
    assert {key: value.tolist() for key, value in found.items()} == cells
    assert (made.neighbours[:, 0] >= 0).all()
    inner = made.neighbours[:, 1] >= 0
    assert (made.neighbours[inner, 0] < made.neighbours[inner, 1]).all()
    for s, (_, corners) in enumerate(sides_as_sets(made)):
        f = made.facets.of_side[s]
        assert corners == set(made.facets.corners[made.facets.start[f] : made.facets.start[f + 1]].tolist())


def test_facets_lie_on_the_walls_or_have_two_cells(case):
    _, made = case
    assert np.array_equal(made.neighbours[:, 1] < 0, made.facet_label < 0)


def test_normals_are_those_of_the_hyperplanes(case):
    rows, made = case
    inner = made.facet_label >= 0
    wanted = rows[made.facet_label[inner]]
    wanted /= np.linalg.norm(wanted[:, :-1], axis=1, keepdims=True)
    sign = np.sign((wanted[:, :-1] * made.normals[inner]).sum(1))
    assert np.allclose(made.normals[inner], sign[:, None] * wanted[:, :-1], atol=1e-8)
    assert np.allclose(made.facet_offsets[inner], -sign * wanted[:, -1], atol=1e-8)
    wall = ~inner
    axis, high = np.divmod(-1 - made.facet_label[wall], 2)
    assert np.allclose(made.normals[wall], np.eye(made.dimension)[axis] * np.where(high, 1, -1)[:, None])
    assert np.allclose(made.facet_offsets[wall], 1.0)


def test_normals_point_away_from_the_first_cell(case):
    _, made = case
    height = (made.normals * made.centroids[made.neighbours[:, 0]]).sum(1) - made.facet_offsets
    assert (height < 0).all()
    inner = made.neighbours[:, 1] >= 0
    height = (made.normals * made.centroids[made.neighbours[:, 1]]).sum(1) - made.facet_offsets
    assert (height[inner] > 0).all()


@pytest.mark.parametrize("thin", [1e-3, 1e-6, 1e-9])
def test_normal_of_a_thin_facet_is_taken_from_corners_that_lie_best(thin):
    """A prism over a needle: its far end is almost an edge, its corners nearly on a line."""
    base = np.array([[0, 0], [1, 0], [1, thin], [0.3, thin]])
    points = np.array([[x, y, z] for x, y in base for z in (0.0, 1.0)])
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    made = replace(polytope(points * [1, 1 / thin, 1]), vertices=points @ turn.T)
    assert np.allclose(np.linalg.norm(made.normals, axis=1), 1, atol=1e-15)
    for f in range(len(made.normals)):
        corners = made.vertices[made.facets.corners[made.facets.start[f] : made.facets.start[f + 1]]]
        assert np.abs(corners @ made.normals[f] - made.facet_offsets[f]).max() < 4e-16 / min(thin**0.5, 1)
    base_area = thin * (1 + 0.7) / 2
    assert made.volumes[0] == pytest.approx(base_area, rel=1e-6)


def test_more_sides_than_a_word_has_bits():
    points = np.random.default_rng(1).normal(size=(60, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    made, hull = polytope(points), ConvexHull(points)
    assert made.masks.shape[1] == 2
    assert len(made.neighbours) == len(hull.equations) == 116
    assert made.volumes[0] == pytest.approx(hull.volume, rel=1e-12)
    assert made.areas.sum() == pytest.approx(hull.area, rel=1e-12)


def test_a_facet_with_three_cells_is_refused():
    made = cubes((2, 1, 1))
    chosen = np.r_[0:8, 8:16, 0:8]
    tripled = replace(
        made,
        start=np.array([0, 8, 16, 24]),
        corners=made.corners[chosen],
        masks=made.masks[chosen],
        side_start=np.array([0, 6, 12, 18]),
        side_label=np.r_[made.side_label, made.side_label[:6]],
        doubt=np.zeros(3, np.bool_),
    )
    with pytest.raises(InputError, match="facet with three cells"):
        tripled.facets  # noqa: B018


def test_equal_keys_of_different_size_are_different():
    key = np.array([5, 5, 9, 5, 9], np.uint64)
    size = np.array([3, 4, 3, 3, 3], np.int32)
    number, first = numbered(key, size)
    assert number.tolist() == [0, 1, 2, 0, 2]
    assert first.tolist() == [0, 1, 2]


def test_keys_that_collide_in_the_table_are_told_apart():
    key = (np.arange(40, dtype=np.uint64) << np.uint64(32)) | np.uint64(7)
    number, first = numbered(np.tile(key, 2), np.ones(80, np.int32))
    assert np.array_equal(number, np.tile(np.arange(40), 2))
    assert np.array_equal(first, np.arange(40))


def test_words_are_the_same_in_every_run():
    assert np.array_equal(random_words(5), random_words(9)[:5])
