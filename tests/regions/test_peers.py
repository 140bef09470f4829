"""Counts against other programs: affinitree (decision trees, float64, any d) and regioncam (2-D, float32).

affinitree keeps cells that are only a point or a line, so on degenerate nets only those that hold a ball count.
Where regioncam's float32 disagrees, rational arithmetic decides, never the peer.
"""

import affinitree
import numpy as np
import pytest
import regioncam
import torch
from affinitree import builder
from scipy.optimize import linprog

from inscape.geometry import Box
from inscape.regions import explore, partition
from inscape.testing import NET_KINDS, count_by_lp, layers_of, montufar_net, random_net, sawtooth

SMALL = [[2, 6, 1], [2, 6, 5, 1], [2, 4, 4, 3, 1]]
LARGE = [[2, 30, 1], [2, 16, 16, 1], [2, 10, 10, 10, 2], [2, 24, 24, 3], [2, 12, 8, 12, 1], [2, 20, 20, 20, 1]]
SINGULAR = tuple(kind for kind in NET_KINDS if kind not in {"generic", "parallel", "pruned"})


def cube(dimension):
    return Box(low=np.full(dimension, -1.0), high=np.full(dimension, 1.0))


def tree_of(model, box):
    """The decision tree that affinitree makes of the hidden layers, on a box."""
    architecture = affinitree.Architecture(box.dimension)
    for weight, bias in layers_of(model)[:-1]:
        architecture.linear(affinitree.AffFunc.from_mats(weight, bias))
        architecture.relu()
    sides = list(zip(box.low.tolist(), box.high.tolist(), strict=True))
    walls = affinitree.Polytope.hyperrectangle(box.dimension, sides)
    inside = affinitree.AffTree.from_poly(walls, affinitree.AffFunc.identity(box.dimension))
    return builder.from_layers(architecture, inside)


def inscribed(polytope):
    """Centre and radius of the largest ball."""
    norms = np.linalg.norm(polytope.mat, axis=1)
    a, b = polytope.mat[norms > 0], polytope.bias[norms > 0]
    free = [(None, None)] * a.shape[1] + [(None, 1.0)]
    best = linprog(np.r_[np.zeros(a.shape[1]), -1.0], np.column_stack([a, norms[norms > 0]]), b, bounds=free)
    return (best.x[:-1], best.x[-1]) if best.x is not None else (None, -np.inf)


def pattern(model, x):
    """Which units are on at a point; a unit that is 0 but for rounding is off."""
    on = []
    for weight, bias in layers_of(model)[:-1]:
        z = weight @ x + bias
        on += (z > 1e-12).tolist()
        x = np.maximum(z, 0.0)
    return tuple(on)


def cells_by_affinitree(model, box):
    """Number of full-dimensional cells of the tree; a unit that is 0 on a whole cell makes two leaves of it."""
    leaves = [polytope for _, node, polytope in tree_of(model, box).polyhedra() if node.is_terminal()]
    distinct = {np.unique(np.column_stack([leaf.mat, leaf.bias]) + 0.0, axis=0).tobytes(): leaf for leaf in leaves}
    balls = [inscribed(polytope) for polytope in distinct.values()]
    return len({pattern(model, centre) for centre, radius in balls if radius > 1e-9})


def cells_by_regioncam(model):
    """Number of faces on [-1, 1]²."""
    cells = regioncam.Regioncam(size=1.0)
    for weight, bias in layers_of(model)[:-1]:
        cells.linear(np.ascontiguousarray(weight.T, dtype=np.float32), bias.astype(np.float32))
        cells.relu()
    return cells.num_faces


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("widths", SMALL, ids=str)
def test_the_peers_and_the_oracle_agree_with_one_another(widths, seed):
    model = random_net(widths, rng=seed)
    exact = count_by_lp(model, cube(2))
    assert tree_of(model, cube(2)).num_terminals() == cells_by_affinitree(model, cube(2)) == exact
    assert cells_by_regioncam(model) == exact


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("widths", LARGE, ids=str)
def test_square_has_the_cells_of_both_peers(widths, seed):
    model = random_net(widths, rng=100 + seed, dtype=torch.float32)
    cells = partition(model, cube(2))
    assert cells.count("activation") == cells.cell_count == tree_of(model, cube(2)).num_terminals()
    assert cells.cell_count == cells_by_regioncam(model)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("widths", [[1, 20, 1], [1, 12, 12, 1], [1, 8, 8, 8, 8, 2]], ids=str)
def test_interval_has_the_cells_of_affinitree(widths, seed):
    model = random_net(widths, rng=200 + seed)
    assert partition(model, cube(1)).count("activation") == tree_of(model, cube(1)).num_terminals()


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", SINGULAR)
@pytest.mark.parametrize("widths", [[2, 5, 4, 1], [2, 3, 3, 3, 1]], ids=str)
def test_degenerate_nets_have_the_full_dimensional_cells_of_affinitree(widths, kind, seed):
    model = random_net(widths, kind=kind, rng=seed)
    assert partition(model, cube(2)).count("activation") == cells_by_affinitree(model, cube(2))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("widths", [[3, 10, 8, 1], [4, 8, 6, 1], [5, 6, 5, 1], [6, 6, 4, 1]], ids=str)
def test_cubes_have_the_cells_of_affinitree(widths, seed):
    model, box = random_net(widths, rng=400 + seed), cube(widths[0])
    assert partition(model, box).cell_count == tree_of(model, box).num_terminals()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("widths", [[2, 8, 6, 1], [3, 6, 5, 1], [4, 6, 4, 1], [5, 5, 4, 1], [6, 5, 4, 1]], ids=str)
def test_exploration_of_a_box_finds_the_cells_of_affinitree(widths, seed):
    model, box = random_net(widths, rng=300 + seed), cube(widths[0])
    found = explore(model, np.zeros(widths[0]), domain=box, order="breadth-first")
    assert found.complete
    assert found.cell_count == tree_of(model, box).num_terminals()


@pytest.mark.parametrize("kind", SINGULAR)
def test_exploration_of_degenerate_nets_finds_the_full_dimensional_cells_of_affinitree(kind):
    model, box = random_net([3, 4, 4, 1], kind=kind, rng=7), cube(3)
    assert explore(model, np.zeros(3), domain=box).cell_count == cells_by_affinitree(model, box)


@pytest.mark.parametrize("kind", SINGULAR)
def test_where_single_precision_disagrees_the_exact_oracle_decides(kind):
    models = [random_net([2, 6, 5, 1], kind=kind, rng=seed, dtype=torch.float32) for seed in range(3)]
    for model in models:
        count = partition(model, cube(2)).count("activation")
        if count != cells_by_regioncam(model):
            assert count == count_by_lp(model, cube(2))


def test_duplicated_units_show_why_the_peer_does_not_decide():
    model = random_net([2, 6, 1], kind="duplicated", rng=0, dtype=torch.float32)
    assert cells_by_regioncam(model) != count_by_lp(model, cube(2)) == partition(model, cube(2)).cell_count


@pytest.mark.parametrize(("model", "box"), [(sawtooth(5), Box(low=(0,), high=(1,)))], ids=["sawtooth"])
def test_constructions_by_affinitree(model, box):
    assert cells_by_affinitree(model, box) == partition(model, box).cell_count == 32


def test_montufar_net_by_affinitree():
    model, box = montufar_net((4, 4), 2), Box(low=(0, 0), high=(1, 1))
    assert cells_by_affinitree(model, box) == partition(model, box).cell_count == 44
