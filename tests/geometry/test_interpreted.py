"""Small cuts with known counts, run twice: compiled, and as plain Python with NUMBA_DISABLE_JIT=1.

The second run covers the kernels line by line and proves that both give the same answers.
"""

from math import comb

import numpy as np
import pytest
import torch
from torch import nn

from inscape.geometry import Box, subdivide
from inscape.network import read
from inscape.testing import braid_net, grid_net, random_net, sawtooth

pytestmark = pytest.mark.interpreted

SQUARE = Box(low=(-1, -1), high=(1, 1))


def cut(model, chart=SQUARE, **options):
    return subdivide(read(model), chart, **options).complex


def lines_in_general_position(n):
    """n lines with all crossings inside the square: tangents of a small circle, at angles without symmetry."""
    angles = np.pi * (np.arange(n) + 0.1 * np.sin(np.arange(n))) / n
    layer = nn.Linear(2, n, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(np.stack([np.cos(angles), np.sin(angles)], axis=1)))
        layer.bias.copy_(torch.tensor(np.full(n, 0.02)))
    return nn.Sequential(layer, nn.ReLU(), nn.Linear(n, 1, dtype=torch.float64))


def assert_sound(cells, chart):
    """Areas add up, every cell is turned counter-clockwise, and vertices - edges + cells = 1."""
    assert np.isclose(cells.volumes.sum(), np.prod(chart.high - chart.low))
    assert (cells.volumes > 0).all()
    if chart.dimension == 2:
        used = np.unique(cells.ends)
        assert len(used) - len(cells.ends) + cells.cell_count == 1


@pytest.mark.parametrize("n", [1, 3, 7, 70])
def test_lines_in_general_position(n):
    if n == 70:
        model = nn.Sequential(nn.Linear(2, 70, dtype=torch.float64), nn.ReLU(), nn.Linear(70, 1, dtype=torch.float64))
        with torch.no_grad():  # parallel lines: more than one word of signs, no crossing
            model[0].weight.copy_(torch.tensor([[1.0, 0.0]] * 70))
            model[0].bias.copy_(torch.linspace(-0.9, 0.9, 70, dtype=torch.float64))
        expected = 71
    else:
        model, expected = lines_in_general_position(n), 1 + n + comb(n, 2)
    cells = cut(model)
    assert cells.cell_count == expected
    assert not cells.doubt.any()
    assert_sound(cells, SQUARE)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_folds_of_the_interval(depth):
    chart = Box(low=(0,), high=(1,))
    cells = cut(sawtooth(depth), chart)
    expected = np.arange(2**depth + 1) / 2**depth
    assert np.isin(expected, np.round(cells.vertices.ravel(), 12)).all()
    assert_sound(cells, chart)


def test_repeated_and_concurrent_lines():
    box = Box(low=(0, 0), high=(4, 4))
    grid = cut(grid_net(4, 2), box)
    assert grid.cell_count == 16
    assert_sound(grid, box)
    braid = cut(braid_net(2))
    assert braid.cell_count == 6
    assert_sound(braid, SQUARE)


@pytest.mark.parametrize("seed", range(4))
def test_blocks_do_not_change_the_cells(seed):
    model = random_net([2, 8, 6, 1], rng=seed)
    whole, blocks = cut(model), cut(model, block_bytes=1)
    assert_sound(whole, SQUARE)
    assert_sound(blocks, SQUARE)
    order, other = (np.lexsort(np.round(c.centroids, 9).T) for c in (whole, blocks))
    assert np.allclose(whole.centroids[order], blocks.centroids[other])


@pytest.mark.parametrize("name", ["maxout", "groups", "hardtanh"])
def test_other_pieces(name):
    torch.manual_seed(3)
    inner = {"maxout": nn.MaxPool1d(3), "groups": nn.MaxPool1d(2), "hardtanh": nn.Hardtanh()}[name]
    model = nn.Sequential(nn.Linear(2, 12), nn.Unflatten(1, (1, 12)), inner, nn.Flatten(), nn.LazyLinear(2)).double()
    model(torch.zeros(1, 2, dtype=torch.float64))
    found = read(model, np.zeros((1, 2)))
    cells = subdivide(found, SQUARE).complex
    assert_sound(cells, SQUARE)
    for cell in range(cells.cell_count):  # affine on the cell: the mean over the corners is the value at their mean
        corners = cells.vertices[cells.corners[cells.offsets[cell] : cells.offsets[cell + 1]]]
        values = found.evaluate(np.vstack([corners, corners.mean(0)]))
        assert np.allclose(values[:-1].mean(0), values[-1], atol=1e-12)
