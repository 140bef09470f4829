"""What rounding leaves open is settled exactly: near coincidences against clipping in fractions, blocks, limits."""

from math import comb

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from inscape.geometry import Box, Plane, Segment, _block, _descent, _desk, _settle, _step, subdivide
from inscape.geometry._dyadic import side
from inscape.network import read
from inscape.testing import NET_KINDS, cells_by_clipping, random_arrangement, random_net, relu_nets, sequential

SQUARE = Box(low=(-1.0, -1.0), high=(1.0, 1.0))
INTERVAL = Box(low=(-1.0,), high=(1.0,))


def patterns(made):
    cells, levels = made.complex, []
    for number, level in enumerate(made.complex.levels):
        step = made.plan.steps[level.step]
        levels.append(cells.pattern(number, step, cells.ancestors(number)))
    return np.array(sorted(map(tuple, np.concatenate(levels, axis=1).tolist())), dtype=bool)


def assert_exact(model, chart, **options):
    """The same patterns as clipping in fractions, each once, and no doubt about any."""
    made = subdivide(read(model), chart, **options)
    assert np.array_equal(patterns(made), cells_by_clipping(model, chart))
    assert not made.complex.doubt.any()
    return made


def lines(normals, offsets):
    return sequential([(np.array(normals, float), np.array(offsets, float)), (np.ones((1, len(normals))), np.zeros(1))])


def nudged(model, rng, times):
    """The same net with some parameters moved to the next float; zeros become 1e-17."""
    with torch.no_grad():
        for _ in range(times):
            layer = model[2 * rng.integers((len(model) + 1) // 2 - 1)]
            flat = (layer.bias if rng.random() < 0.5 else layer.weight).view(-1)
            k = int(rng.integers(len(flat)))
            value = flat[k].item()
            flat[k] = np.nextafter(value, np.inf * rng.choice([-1, 1])) if value else 1e-17
    return model


@given(st.integers(0, 2**32 - 1), st.sampled_from(("central", "parallel", "duplicated", "negated", "grid", "braid")))
@settings(max_examples=40)
def test_degenerate_arrangements_are_exact(seed, kind):
    rows = random_arrangement(kind, 2 + seed % 9, 2, rng=seed)
    assert_exact(lines(rows.normals / 3.0, rows.offsets / 7.0), SQUARE)  # quotients are rounded: nearly degenerate
    assert_exact(lines(rows.normals, rows.offsets), rows.box())


@pytest.mark.parametrize("cells", [2, 5, 9])
def test_grids_with_both_diagonals(cells):
    """Four lines through every point of a grid."""
    steps = np.arange(1, cells) / cells * 2 - 1
    along = [([1, 0], -x) for x in steps] + [([0, 1], -x) for x in steps]
    across = [([1, s], -x) for s in (1, -1) for x in np.arange(-cells + 1, cells) * 2 / cells]
    normals, offsets = zip(*along, *across, strict=True)
    made = assert_exact(lines(normals, offsets), SQUARE)
    if cells == 2:
        assert made.complex.cell_count == 16


@pytest.mark.interpreted
@pytest.mark.parametrize("denominator", [1, 2, 3, 7])
@pytest.mark.parametrize("direction", [-1, 0, 1])
def test_three_lines_through_a_point_but_for_one_ulp(denominator, direction):
    """x = p, y = p and x + y = 2p, where the last constant is moved by one float: 6 cells become 7."""
    p = 1.0 / denominator / 2
    last = -2 * p if direction == 0 else np.nextafter(-2 * p, direction * np.inf)
    made = assert_exact(lines([[1, 0], [0, 1], [1, 1]], [-p, -p, last]), SQUARE)
    assert made.complex.cell_count == (6 if direction == 0 else 7)


@pytest.mark.parametrize("angle", [0.0, 0.1, np.pi / 4, 1.0])
def test_many_lines_nearly_through_one_point(angle):
    """Twelve lines that would be concurrent but for rounding are in general position."""
    angles = angle + np.pi * np.arange(12) / 12
    normals = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    made = assert_exact(lines(normals, -normals @ np.array([1 / 3, 0.1])), SQUARE)
    assert 24 <= made.complex.cell_count <= 1 + 12 + comb(12, 2)


@given(st.integers(0, 2**32 - 1), st.sampled_from(NET_KINDS), st.integers(0, 4))
@settings(max_examples=60)
def test_nets_one_float_away_from_a_coincidence(seed, kind, times):
    widths = ([2, 6, 5, 1], [2, 8, 1], [2, 4, 4, 4, 1])[seed % 3]
    assert_exact(nudged(random_net(widths, kind=kind, rng=seed), np.random.default_rng(seed), times), SQUARE)


@given(st.integers(0, 2**32 - 1), st.sampled_from(NET_KINDS), st.integers(0, 4))
@settings(max_examples=40)
def test_on_a_line(seed, kind, times):
    rng = np.random.default_rng(seed)
    assert_exact(nudged(random_net([1, 6, 5, 4, 1], kind=kind, rng=seed), rng, times), INTERVAL)
    model = nudged(random_net([2, 6, 5, 1], kind=kind, rng=seed), rng, times)
    for segment in (
        Segment((-1.0, -1.0), (1.0, 1.0)),
        Segment((-1.0, 0.0), (1.0, 0.0)),
        Segment((-0.9, 0.1), (0.7, 1)),
    ):
        assert_exact(model, segment)


@given(relu_nets(dimension=3, max_width=6, max_depth=2))
@settings(max_examples=15)
def test_on_a_plane_whose_basis_is_rounded(model):
    assert_exact(model, Plane.random(np.zeros(3), radius=2.0, rng=1))


def test_float32_weights_are_taken_as_they_are():
    """x = 0.1, y = 0.1 and x + y = 0.2 meet in float32, and do not if 0.2 alone is the one of float64."""
    normals, offsets = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), torch.tensor([-0.1, -0.1, -0.2])
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    with torch.no_grad():
        model[0].weight.copy_(normals)
        model[0].bias.copy_(offsets)
    assert assert_exact(model, SQUARE).complex.cell_count == 6
    rounded = offsets.double().numpy()
    assert assert_exact(lines(normals.numpy(), [*rounded[:2], -0.2]), SQUARE).complex.cell_count == 7


@pytest.mark.parametrize("kind", ["integer", "duplicated", "negated", "bias_free", "grid", "braid"])
@pytest.mark.parametrize("seed", range(3))
def test_blocks_decide_the_same(kind, seed, monkeypatch):
    """Cells in groups of two: most edges are decided beforehand, without a cell at hand."""
    monkeypatch.setattr(_descent, "SMALLEST_GROUP", 2)
    model = nudged(random_net([2, 8, 6, 5, 1], kind=kind, rng=seed), np.random.default_rng(seed), seed)
    assert_exact(model, SQUARE, block_bytes=1500)


def pooled(seed, groups=(3, 4)):
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(2, 4 * groups[0]),
        nn.Unflatten(1, (1, 4 * groups[0])),
        nn.MaxPool1d(groups[0]),
        nn.Flatten(),
        nn.Linear(4, 5),
        nn.ReLU(),
        nn.Linear(5, 2 * groups[1]),
        nn.Unflatten(1, (1, 2 * groups[1])),
        nn.MaxPool1d(groups[1]),
        nn.Flatten(),
        nn.Linear(2, 2),
    ).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randint(-2, 3, parameter.shape))
    return read(model, torch.zeros(1, 2, dtype=torch.float64))


@pytest.mark.parametrize("seed", range(8))
def test_pooling_with_whole_weights(seed):
    """Every wall of a maximum of three or four, and vertices that are left over when cells are joined."""
    network = pooled(seed)
    cells = subdivide(network, SQUARE).complex
    assert not cells.doubt.any()
    assert cells.volumes.sum() == pytest.approx(4.0)
    assert len(np.unique(cells.ends)) - len(cells.ends) + cells.cell_count == 1
    assert not subdivide(network, Segment((-1.0, -1.0), (1.0, 1.0))).complex.doubt.any()


@pytest.mark.parametrize("kind", NET_KINDS)
def test_every_sign_of_the_engine_is_the_exact_one(kind, monkeypatch):
    """At every vertex of every step, also where the engine did not ask."""
    seen = []
    classify = _step._classify

    def audited(desk, turn):
        found = classify(desk, turn)
        for vertex in range(len(desk.block.xy)):
            cell, point = desk.point(vertex)
            for p, row in enumerate(desk.rows(cell, range(len(desk.predicates.left)))):
                word, shift = p >> 6, p & 63
                sign = (int(found.pos[vertex, word]) >> shift & 1) - (int(found.neg[vertex, word]) >> shift & 1)
                assert sign == side(row, point), (vertex, p)
                seen.append(sign)
            place = np.array([point[k] / point[0] for k in range(1, desk.block.dimension + 1)])
            assert np.linalg.norm(place - desk.block.xy[vertex]) <= desk.block.radius[vertex] + 1e-15
        return found

    monkeypatch.setattr(_step, "_classify", audited)
    for seed in range(3):
        subdivide(read(random_net([2, 6, 5, 4, 1], kind=kind, rng=seed)), SQUARE)
        subdivide(read(random_net([1, 6, 5, 4, 1], kind=kind, rng=seed)), INTERVAL)
    assert {-1, 1} <= set(seen)


@pytest.mark.parametrize("kind", ["integer", "duplicated", "grid", "bias_free"])
def test_without_work_the_answer_is_uncertain_and_not_wrong(kind, monkeypatch):
    model = random_net([2, 9, 7, 1], kind=kind, rng=1)
    exact = subdivide(read(model), SQUARE).complex
    monkeypatch.setattr(_block, "TOTAL_WORK", 0)
    guessed = subdivide(read(model), SQUARE).complex
    assert guessed.cell_count == exact.cell_count
    assert guessed.doubt.any()
    assert not exact.doubt.any()


def test_generic_nets_ask_nothing(monkeypatch):
    """The exact path is for coincidences; a generic net must not pay for it."""
    asked = []
    for module in (_settle, _desk):
        monkeypatch.setattr(module, "common_point", lambda *given: asked.append(given))
    made = subdivide(read(random_net([2, 24, 24, 1], rng=5)), SQUARE)
    assert made.complex.cell_count > 500
    assert not asked
    assert not made.complex.doubt.any()


@pytest.mark.parametrize("direction", [-1, 0, 1])
def test_a_tie_of_competitors_that_only_rounding_makes(direction):
    """max(x + 3, y + c) at the corner (1, 1), where 4 + a little is rounded to 4, so that the floats are equal.

    The wall x - y = c - 3 runs through the corners, or passes them at a distance of 2**-52.
    """
    model = nn.Sequential(nn.Linear(2, 2), nn.Unflatten(1, (1, 2)), nn.MaxPool1d(2), nn.Flatten()).double()
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(2))
        model[0].bias.copy_(torch.tensor([3.0, 3.0 + direction * 2.0**-51], dtype=torch.float64))
    chart = Box(low=(1.0, -1.0), high=(3.0, 1.0))
    cells = subdivide(read(model, torch.zeros(1, 2, dtype=torch.float64)), chart).complex
    assert not cells.doubt.any()
    assert cells.cell_count == (2 if direction > 0 else 1)
    assert cells.volumes.sum() == pytest.approx(4.0)
