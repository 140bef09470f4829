"""The audit passes right partitions and reports every kind of damage."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from inscape.geometry import Box, Level, Plane, Segment
from inscape.regions import partition
from inscape.testing import NET_KINDS, random_net

SQUARE = Box(low=(-1.0, -1.0), high=(1.0, 1.0))


@pytest.fixture(scope="module")
def cells():
    return partition(random_net([2, 9, 7, 3], rng=1), SQUARE)


@pytest.fixture(scope="module")
def line():
    return partition(random_net([1, 9, 7, 3], rng=1), Box(low=(-1.0,), high=(1.0,)))


def damaged(cells, **changes):
    """The partition with other arrays in its complex, and nothing remembered of the old ones."""
    made = replace(cells.complex, **changes)
    return replace(cells, complex=made, subdivision=replace(cells.subdivision, complex=made), table=cells.affine_maps)


def moved_vertex(cells):
    """An inner vertex is pushed 1/50 along x."""
    xy = cells.vertices.copy()
    inner = np.flatnonzero((np.abs(xy) < 0.9).all(1))[0]
    xy[inner] += 0.02
    return damaged(cells, vertices=xy)


def shrunk(cells):
    return damaged(cells, vertices=cells.vertices * 0.999)


def missing_cell(cells):
    made = cells.complex
    last = made.levels[-1]
    shorter = Level(step=last.step, parent=last.parent[:-1], bits=last.bits[:-1])
    return damaged(
        cells,
        start=made.start[:-1],
        half=made.half[: made.start[-2]],
        doubt=made.doubt[:-1],
        levels=(*made.levels[:-1], shorter),
    )


def flipped_sign(cells, level=-1):
    made = cells.complex
    old = made.levels[level]
    bits = old.bits.copy()
    bits[len(bits) // 2, 0] ^= np.uint64(1)
    levels = list(made.levels)
    levels[level] = Level(step=old.step, parent=old.parent, bits=bits)
    return damaged(cells, levels=tuple(levels))


def other_leader(cells):
    """On one cell the first maximum is said to be led by the next member."""
    made = cells.complex
    old = made.levels[0]
    codes = old.bits.copy()
    codes[len(codes) // 2, 0] = (codes[len(codes) // 2, 0] + 1) % cells.steps[0].rule.groups.shape[1]
    return damaged(cells, levels=(Level(step=old.step, parent=old.parent, bits=codes), *made.levels[1:]))


def wrong_parent(cells):
    made = cells.complex
    old = made.levels[-1]
    parent = old.parent.copy()
    parent[parent == parent[0]] = parent[-1]
    return damaged(cells, levels=(*made.levels[:-1], Level(step=old.step, parent=parent, bits=old.bits)))


def swapped_cells(cells):
    """Two cells exchange their outlines, not their patterns."""
    made = cells.complex
    parts = np.split(made.half, made.start[1:-1])
    parts[0], parts[-1] = parts[-1], parts[0]
    start = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
    return damaged(cells, half=np.concatenate(parts), start=start)


def wrong_map(cells):
    table = cells.affine_maps.copy()
    table[cells.volumes.argmax(), 0, 1] += 1e-3
    return replace(cells, table=table)


def split_edge(cells):
    """Two cells see their common edge as two different ones."""
    made = cells.complex
    edge = np.flatnonzero((made.neighbours >= 0).all(1))[0]
    half = made.half.copy()
    half[np.flatnonzero(half >> 1 == edge)[0]] = 2 * len(made.ends) + (half[np.flatnonzero(half >> 1 == edge)[0]] & 1)
    return damaged(
        cells, half=half, ends=np.vstack([made.ends, made.ends[edge]]), label=np.append(made.label, made.label[edge])
    )


@pytest.mark.parametrize("kind", NET_KINDS)
def test_right_partitions_pass(kind):
    model = random_net([2, 8, 6, 2], kind=kind, rng=7)
    found = partition(model, SQUARE).verify()
    assert found.passed
    assert found.facts()["passed"] is True
    assert (found.euler, found.open_facets, found.pattern_errors, found.lost_points) == (1, 0, 0, 0)
    assert found.mean_degree <= found.degree_bound == 4.0


@pytest.mark.parametrize(
    "chart", [Plane.random(np.zeros(5), radius=2.0, rng=0), Segment(np.zeros(5), np.ones(5))], ids=["plane", "segment"]
)
def test_right_partitions_of_slices_pass(chart):
    assert partition(random_net([5, 8, 6, 2], rng=7), chart).verify().passed


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (moved_vertex, "map_error"),
        (shrunk, "volume_error"),
        (missing_cell, "lost_points"),
        (missing_cell, "volume_error"),
        (missing_cell, "open_facets"),
        (missing_cell, "euler"),
        (flipped_sign, "pattern_errors"),
        (lambda cells: flipped_sign(cells, 0), "pattern_errors"),
        (wrong_parent, "pattern_errors"),
        (swapped_cells, "pattern_errors"),
        (swapped_cells, "map_error"),
        (wrong_map, "map_error"),
        (split_edge, "open_facets"),
        (split_edge, "euler"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_damage_is_reported(cells, damage, what):
    right, found = cells.verify(points=20_000), damage(cells).verify(points=20_000)
    assert right.passed
    assert not found.passed
    assert getattr(found, what) != getattr(right, what)


class Sorting(nn.Module):
    """Sorts inside groups of three."""

    def forward(self, x):
        return x.reshape(-1, 4, 3).sort(dim=2).values.reshape(-1, 12)


@pytest.mark.parametrize(
    ("bending", "outputs", "damage"),
    [
        (nn.Sequential(nn.Unflatten(1, (1, 12)), nn.MaxPool1d(3), nn.Flatten()), 4, other_leader),
        (nn.Sequential(nn.Unflatten(1, (1, 12)), nn.MaxPool1d(2), nn.Flatten()), 6, other_leader),
        (Sorting(), 12, lambda cells: flipped_sign(cells, 0)),
    ],
    ids=["max of three", "max of two", "sort"],
)
def test_damage_to_maxima_and_sorts_is_reported(bending, outputs, damage):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = nn.Sequential(nn.Linear(2, 12), bending, nn.Linear(outputs, 5), nn.ReLU(), nn.Linear(5, 2))
    cells = partition(model, SQUARE)
    assert cells.verify().passed
    assert damage(cells).verify().pattern_errors > 0


def test_damage_on_a_line_is_reported(line):
    assert line.verify().passed
    assert not wrong_map(line).verify(points=20_000).passed
    assert not flipped_sign(line).verify().passed
    xy = line.vertices.copy()
    xy[np.argsort(xy[:, 0])[2]] += 1e-3
    assert not damaged(line, vertices=xy).verify(points=20_000).passed


def test_a_part_of_the_domain_does_not_pass():
    part = partition(random_net([2, 9, 7, 1], rng=1), SQUARE, max_cells=10)
    found = part.verify()
    assert not found.passed
    assert found.volume_error > 0.1
    assert found.lost_points > 0


def test_same_seed_same_audit(cells):
    assert cells.verify(points=100, rng=3).facts() == cells.verify(points=100, rng=3).facts()


def test_a_loaded_partition_says_why_it_cannot_be_audited(cells, tmp_path):
    import inscape

    loaded = inscape.load(cells.save(tmp_path / "cells"))
    with pytest.raises(ValueError, match="loaded from a file and has no network; call partition again"):
        loaded.verify()
