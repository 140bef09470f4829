"""Blocks that are yielded one by one are together the partition: cells, maps, patterns, facets, limits."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

import inscape
from inscape._errors import DomainError, InputError
from inscape.geometry import Box, Maximum, Plane, Segment
from inscape.network import read
from inscape.regions import PartitionBlock, partition, partition_blocks
from inscape.testing import random_net

SQUARE = Box(low=(-1.0, -1.0), high=(1.0, 1.0))


def pooled():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        return nn.Sequential(
            nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 8), nn.ReLU(),
            nn.Linear(8, 3),
        )  # fmt: skip


CASES = {
    "relu": (lambda: random_net([2, 30, 30, 30, 3], rng=3), SQUARE, 20_000),
    "duplicated": (lambda: random_net([2, 40, 20, 3], kind="duplicated", rng=0), SQUARE, 5_000),
    "pooled": (pooled, Plane.through(*np.random.default_rng(0).random((3, 1, 6, 6))), 20_000),
}


@pytest.fixture(scope="module", params=CASES)
def pair(request):
    build, domain, block_bytes = CASES[request.param]
    model = build()
    return partition(model, domain), list(partition_blocks(model, domain, block_bytes=block_bytes))


def rows(cells):
    """Every cell as (pattern, area, affine map), sorted by pattern and place."""
    patterns, maps = cells.patterns(), cells.affine_maps.reshape(cells.cell_count, -1)
    return patterns, np.concatenate([cells.volumes[:, None], cells.centroids, maps], axis=1)


def in_order(patterns, numbers):
    order = np.lexsort([*np.round(numbers[:, 1:3].T, 7), *patterns.T])
    return patterns[order], numbers[order]


def test_the_blocks_are_the_partition(pair):
    whole, blocks = pair
    assert len(blocks) >= 4
    patterns, numbers = zip(*(rows(block) for block in blocks), strict=True)
    mine = in_order(np.concatenate(patterns), np.concatenate(numbers))
    theirs = in_order(*rows(whole))
    assert np.array_equal(mine[0], theirs[0])
    assert np.allclose(mine[1], theirs[1], rtol=0, atol=1e-8)
    assert sum(block.uncertain.sum() for block in blocks) == whole.uncertain.sum()


def test_numbers_of_blocks_and_cells(pair):
    whole, blocks = pair
    assert [block.index for block in blocks] == list(range(len(blocks)))
    assert blocks[0].offset == 0
    assert all(later.offset == block.running_count for block, later in pairwise(blocks))
    assert blocks[-1].running_count == whole.cell_count
    assert {str(block.status.verdict) for block in blocks} == {str(whole.status.verdict)}


def test_a_facet_on_a_border_is_in_two_blocks_bit_for_bit(pair):
    _, blocks = pair
    ends, labels = [], []
    for block in blocks:
        made = block.complex
        ends.append(np.sort(np.ascontiguousarray(made.vertices[made.ends[block.border]]).view("f8,f8"), axis=1))
        labels.append(made.label[block.border])
    both = np.concatenate(ends).reshape(-1, 2)
    _, count = np.unique(both, axis=0, return_counts=True)
    assert (count == 2).all()
    order = np.lexsort([np.concatenate(labels), *np.concatenate([both["f0"].T, both["f1"].T])])
    assert np.array_equal(both[order][0::2], both[order][1::2])
    assert np.array_equal(np.concatenate(labels)[order][0::2], np.concatenate(labels)[order][1::2])


def lengths(made, chosen):
    a, b = made.vertices[made.ends[chosen]].swapaxes(0, 1)
    return float(np.linalg.norm(b - a, axis=1).sum())


def test_all_facets_are_those_of_the_partition(pair):
    whole, blocks = pair
    twice = sum(lengths(b.complex, ~b.border) + lengths(b.complex, b.border) / 2 for b in blocks)
    assert np.isclose(twice, lengths(whole.complex, slice(None)), rtol=1e-12)
    edges = sum(len(block.complex.ends) - int(block.border.sum()) / 2 for block in blocks)
    if any(isinstance(step.rule, Maximum) for step in whole.steps):
        assert edges >= len(whole.complex.ends), "walls that pooling took out may leave a border facet in pieces"
    else:
        assert edges == len(whole.complex.ends)


def test_cells_at_the_wall(pair):
    whole, blocks = pair
    assert sum(int(block.touches_wall.sum()) for block in blocks) == int(whole.touches_wall.sum())


@pytest.mark.parametrize("threads", [2, 4])
def test_the_same_blocks_whatever_the_number_of_threads(threads):
    model = random_net([2, 30, 30, 30, 3], rng=3)
    alone = partition_blocks(model, SQUARE, block_bytes=20_000, threads=1)
    for mine, theirs in zip(partition_blocks(model, SQUARE, block_bytes=20_000, threads=threads), alone, strict=True):
        assert mine.offset == theirs.offset
        assert np.array_equal(mine.vertices, theirs.vertices)
        assert np.array_equal(mine.complex.half, theirs.complex.half)
        assert np.array_equal(mine.patterns(), theirs.patterns())


@pytest.mark.parametrize("limit", ["few", "some", "all", "one less"])
@pytest.mark.parametrize("threads", [1, 3])
def test_limit(limit, threads):
    model = random_net([2, 30, 30, 30, 3], rng=3)
    count = partition(model, SQUARE).cell_count
    wanted = {"all": count, "one less": count - 1, "few": 1, "some": 500}[limit]
    blocks = list(partition_blocks(model, SQUARE, block_bytes=20_000, threads=threads, max_cells=wanted))
    assert blocks[-1].running_count == wanted
    limited = [str(block.status).startswith("limit") for block in blocks]
    assert limited == [False] * (len(blocks) - 1) + [wanted < count]
    if wanted < count:
        assert blocks[-1].status.count == wanted
    last = blocks[-1].complex
    assert len(np.unique(last.ends)) == len(last.vertices)
    assert all(len(level.bits) == level.parent.size for level in last.levels)


def test_limit_between_two_blocks():
    model = random_net([2, 30, 30, 30, 3], rng=3)
    first = next(iter(partition_blocks(model, SQUARE, block_bytes=20_000)))
    (only,) = partition_blocks(model, SQUARE, block_bytes=20_000, max_cells=first.cell_count)
    assert only.cell_count == first.cell_count
    assert str(only.status).startswith("limit")


def test_a_stream_can_be_left_and_its_model_trained_on():
    model = random_net([2, 30, 30, 30, 3], rng=3)
    before = partition(model, SQUARE)
    blocks = partition_blocks(model, SQUARE, block_bytes=20_000)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    first = next(blocks)
    t = first.centroids
    assert np.allclose(first.evaluate(t), before.evaluate(t))
    blocks.close()
    assert list(blocks) == []


def test_one_block_on_a_line():
    model = random_net([2, 30, 30, 3], rng=3)
    line = Segment([-1.0, -0.9], [1.0, 0.8])
    (block,) = partition_blocks(model, line)
    whole = partition(model, line)
    assert np.array_equal(block.vertices, whole.vertices)
    assert not block.border.any()
    assert np.array_equal(block.touches_wall, whole.touches_wall)


def test_a_block_is_a_result(tmp_path):
    *_, last = partition_blocks(random_net([2, 30, 30, 30, 3], rng=3), SQUARE, block_bytes=20_000)
    back = inscape.load(last.save(tmp_path / "block.npz"))
    assert isinstance(back, PartitionBlock)
    assert (back.index, back.offset) == (last.index, last.offset)
    assert np.array_equal(back.patterns(), last.patterns())
    assert np.array_equal(back.affine_maps, last.affine_maps)
    assert f"{last.offset:,} to {last.running_count - 1:,}" in last.summary()
    assert last.provenance.function == "inscape.regions.partition_blocks"
    with pytest.raises(InputError, match="whole partition"):
        last.verify()


def test_wrong_arguments_are_refused_at_once():
    model = random_net([2, 4, 1], rng=0)
    with pytest.raises(InputError, match="max_cells ≥ 1"):
        partition_blocks(model, SQUARE, max_cells=0)
    with pytest.raises(InputError, match="threads ≥ 1"):
        partition_blocks(model, SQUARE, threads=0)
    with pytest.raises(DomainError):
        partition_blocks(read(model), Box(low=(-1.0,), high=(1.0,)))


class Counting:
    def __init__(self):
        self.calls = []

    def start(self, description, total):
        self.calls.append(description)

    def advance(self, amount):
        self.calls.append(amount)

    def stop(self):
        self.calls.append("stop")


def test_progress_follows_what_was_yielded():
    meter = Counting()
    blocks = list(partition_blocks(random_net([2, 30, 30, 3], rng=3), SQUARE, block_bytes=20_000, progress=meter))
    assert meter.calls == ["cutting cells", *(block.cell_count for block in blocks), "stop"]
