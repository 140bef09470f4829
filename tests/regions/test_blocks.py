"""Cells finished in blocks, nested and tiny, are exactly the cells finished at once."""

import numpy as np
import pytest
import torch
from torch import nn

from inscape.geometry import Box, subdivide
from inscape.network import read
from inscape.regions._divide import head_rule
from inscape.testing import montufar_net, random_net

SQUARE = Box(low=(-1.0, -1.0), high=(1.0, 1.0))


class Groups(nn.Module):
    def __init__(self, size, sort=False):
        super().__init__()
        self.size, self.sort = size, sort

    def forward(self, x):
        grouped = x.unflatten(1, (-1, self.size))
        return grouped.sort(2).values.flatten(1) if self.sort else grouped.amax(2)


class Residual(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return x + self.inner(x)


def deep(inputs, units, make, behind):
    return [nn.Linear(inputs, units), make(), nn.Linear(behind, units), make(), nn.Linear(behind, 3)]


def residual():
    return Residual(nn.Sequential(nn.ReLU(), nn.Linear(16, 16)))


MODELS = {
    "relu": lambda: random_net([2, 14, 14, 14, 3], rng=0),
    "bias free": lambda: random_net([2, 40, 20, 3], kind="bias_free", rng=0),
    "duplicated": lambda: random_net([2, 40, 20, 3], kind="duplicated", rng=0),
    "negated": lambda: random_net([2, 40, 20, 3], kind="negated", rng=0),
    "integer": lambda: random_net([2, 20, 20, 20, 3], kind="integer", rng=0),
    "folds": lambda: montufar_net((8, 4, 9), 2),
    "maxout": lambda: nn.Sequential(*deep(2, 64, lambda: Groups(4), 16)),
    "sort": lambda: nn.Sequential(*deep(2, 24, lambda: Groups(3, sort=True), 24)),
    "clamp": lambda: nn.Sequential(*deep(2, 16, lambda: nn.Hardtanh(-0.4, 0.4), 16)),
    "residual": lambda: nn.Sequential(nn.Linear(2, 16), residual(), residual(), residual(), nn.Linear(16, 3)),
}


def network_of(name):
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return read(MODELS[name]().double(), torch.zeros(1, 2, dtype=torch.float64)).frozen()


def signature(cells):
    """Every cell as (sign words of all levels, area), and every edge as (label, length), sorted."""
    bits = [level.bits[cells.ancestors(i)] for i, level in enumerate(cells.levels)]
    order = np.lexsort(np.concatenate(bits, axis=1).T)
    ends = cells.vertices[cells.ends]
    length = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    sort = np.lexsort((np.round(length, 9), cells.label))
    return np.concatenate(bits, axis=1)[order], cells.volumes[order], cells.label[sort], length[sort]


@pytest.fixture(scope="module", params=[(name, head) for name in MODELS for head in (False, True)], ids=str)
def program(request):
    """A program with or without a cut by classes at the end, and its cells made at once."""
    name, headed = request.param
    network = network_of(name)
    outputs = network.output_shape[0]
    head = head_rule(outputs, level=0.5) if headed else None
    whole = subdivide(network, SQUARE, head=head).complex
    assert max(len(level.parent) for level in whole.levels[:-1]) >= 64, "too small to be cut into blocks"
    return network, head, whole


@pytest.mark.parametrize("block_bytes", [1, 5_000, 40_000])
def test_blocks_give_the_same_cells(program, block_bytes):
    network, head, whole = program
    parts = subdivide(network, SQUARE, head=head, block_bytes=block_bytes).complex
    assert parts.cell_count == whole.cell_count
    assert len(parts.vertices) == len(whole.vertices)
    assert len(parts.ends) == len(whole.ends)
    for mine, theirs in zip(signature(parts), signature(whole), strict=True):
        assert np.allclose(mine.astype(float), theirs.astype(float), rtol=0, atol=1e-9)
    assert np.array_equal(signature(parts)[0], signature(whole)[0])
    assert parts.doubt.sum() >= whole.doubt.sum() or not parts.doubt.any()


@pytest.mark.parametrize("block_bytes", [1, 5_000])
def test_both_sides_of_every_edge_are_there(program, block_bytes):
    network, head, _ = program
    parts = subdivide(network, SQUARE, head=head, block_bytes=block_bytes).complex
    cells = (parts.neighbours >= 0).sum(1)
    assert (cells[parts.label >= 0] == 2).all()
    assert (cells[parts.label < 0] == 1).all()
    assert len(np.unique(parts.ends)) - len(parts.ends) + parts.cell_count == 1
    assert len(np.unique(np.sort(parts.ends, axis=1), axis=0)) == len(parts.ends)


def test_ancestors_hold_their_cells(program):
    """The sign of each first-layer unit at a cell's centroid is that of its ancestor, across all joined groups."""
    network, head, _ = program
    made = subdivide(network, SQUARE, head=head, block_bytes=1)
    first = next(iter(made.plan.steps.values()))
    if type(first.rule).__name__ != "Elementwise":
        return
    cells = made.complex
    split = first.stages[0].split
    z = made.plan.affine[first.inputs[0]].at(cells.centroids)[:, split.left] - split.offset
    positive = cells.pattern(0, first, cells.ancestors(0))
    clear = np.abs(z) > 1e-9
    assert np.array_equal((z > 0)[clear], positive[clear])


@pytest.mark.parametrize("limit", [1, 40, 100])
def test_limit_inside_blocks(limit):
    made = subdivide(network_of("relu"), SQUARE, max_cells=limit, block_bytes=5_000)
    assert not made.complete
    assert made.complex.cell_count == limit
    assert len(np.unique(np.concatenate([made.complex.corners, made.complex.ends.ravel()]))) == len(
        made.complex.vertices
    )


def test_blocks_of_a_wide_random_net():
    network = read(random_net([2, 40, 40, 40, 1], rng=9)).frozen()
    whole, parts = subdivide(network, SQUARE).complex, subdivide(network, SQUARE, block_bytes=100_000).complex
    assert whole.cell_count == parts.cell_count > 1000
    assert np.array_equal(signature(whole)[0], signature(parts)[0])
