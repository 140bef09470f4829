"""Enclosures hold at random points of the ball, for every kind of node and any decisions."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from inscape.geometry import Ball, Target
from inscape.geometry._family import enclose, forward, head_start, towards
from inscape.geometry._forms import joined, ranges
from inscape.network import read
from inscape.testing import relu_nets

NORMS = (1.0, 2.0, math.inf)


class MaxMin(nn.Module):
    """Sorts groups of neighbours."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, x):
        return x.unflatten(1, (-1, self.size)).sort(dim=2, descending=self.size == 2).values.flatten(1)


class Skip(nn.Module):
    """Adds what a branch of two layers makes of its input to the input."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(4, 6), nn.Linear(6, 4), nn.Linear(4, 3)

    def forward(self, x):
        return self.last(torch.minimum(self.second(self.first(x).relu()) + x, x.abs()))


def nets():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = {
            name: nn.Sequential(nn.Linear(4, 6), activation, nn.Linear(6, 6), activation, nn.Linear(6, 3))
            for name, activation in {
                "relu": nn.ReLU(),
                "leaky": nn.LeakyReLU(0.2),
                "negative leaky": nn.LeakyReLU(-0.5),
                "relu6": nn.ReLU6(),
                "hardtanh": nn.Hardtanh(-0.3, 0.4),
                "pairs": MaxMin(2),
                "triples": MaxMin(3),
            }.items()
        }
        made["pool"] = nn.Sequential(
            nn.Linear(4, 12), nn.Unflatten(1, (1, 12)), nn.MaxPool1d(3, 2), nn.Flatten(), nn.Linear(5, 3)
        )
        made["skip"] = Skip()
        return {name: read(net.double(), torch.zeros(1, 4, dtype=torch.float64)).frozen() for name, net in made.items()}


NETS = nets()


def sampled(ball, count, seed):
    draw = np.random.default_rng(seed)
    offsets = draw.standard_normal((count, ball.dimension))
    lengths = np.linalg.norm(offsets, ord=ball.norm, axis=1, keepdims=True)
    offsets *= ball.radius * draw.random((count, 1)) / lengths
    return np.clip(offsets, ball.low, ball.high)


def held(network, decisions, offsets, ball):
    """Which points lie in the family, by forward passes."""
    inside = np.ones(len(offsets), bool)
    for made in decisions:
        node = network.nodes[made.node]
        values = forward(network, ball.centre + offsets, node.inputs)
        z = np.concatenate([values[j].reshape(len(offsets), -1) for j in node.inputs], axis=1)
        other = z[:, made.right] if made.right >= 0 else 0.0
        inside &= made.sign * (z[:, made.left] - other - made.offset) >= 0
    return inside


def walk(network, ball, depth, seed, *, toward=None):
    """Decisions of a random path down the tree of families (or of that to a point), and the enclosure at each step."""
    draw = np.random.default_rng(seed)
    framed, known = head_start(network, ball)
    decisions = ()
    for _ in range(depth):
        found = enclose(network, framed, decisions, known)
        yield framed, decisions, found
        if found is None or not found.splits:
            return
        made = found.splits[draw.integers(len(found.splits))]
        right = draw.random() < 0.5 if toward is None else held(network, (made,), toward[None], ball)[0]
        decisions = (*decisions, made if right else made.opposite())


def check(network, ball, seed):
    offsets = sampled(ball, 200, seed)
    outputs = network.evaluate((ball.centre + offsets).reshape(-1, *network.input_shape)).reshape(len(offsets), -1)
    target = Target(left=0, right=1, offset=0.1)
    for framed, decisions, found in walk(network, ball, 5, seed):
        inside = held(network, decisions, offsets, ball)
        if found is None:
            assert not inside.any()
            return
        low, high = ranges(found.outputs, framed)
        assert (outputs[inside] >= low).all()
        assert (outputs[inside] <= high).all()
        rows = towards(found, target, framed)
        reach = rows.constants + offsets @ rows.slopes.T - np.abs(rows.spread).sum(1) - rows.slack
        beyond = inside & (target.margin(outputs) <= 0)
        assert (reach[beyond] <= 1e-12).all()


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("boxed", [False, True])
def test_outputs_lie_in_their_enclosure(name, norm, boxed):
    centre = np.array([0.3, -0.2, 0.1, 0.4])
    none = np.full(4, math.inf)
    low, high = (np.array([-0.1, -1, 0, -0.5]), np.array([0.6, 0.2, 1, 0])) if boxed else (-none, none)
    for radius in (0.1, 1.5):
        for seed in range(2):
            check(NETS[name], Ball(centre=centre, norm=norm, radius=radius, low=low, high=high), seed)


@settings(max_examples=15)
@given(relu_nets(dimension=3, outputs=2), st.sampled_from(NORMS), st.integers(0, 2**32 - 1))
def test_degenerate_nets_lie_in_their_enclosure(net, norm, seed):
    none = np.full(3, math.inf)
    centre = np.random.default_rng(seed).standard_normal(3)
    check(read(net).frozen(), Ball(centre=centre, norm=norm, radius=1.0, low=-none, high=none), seed)


@pytest.mark.parametrize("name", NETS)
def test_where_all_is_decided_the_form_is_the_network(name):
    network, none = NETS[name], np.full(4, math.inf)
    ball = Ball(centre=np.full(4, 0.2), norm=2.0, radius=1.0, low=-none, high=none)
    for seed in range(3):
        offset = sampled(ball, 1, seed)
        *_, (framed, decisions, found) = walk(network, ball, 60, seed, toward=offset[0])
        assert found.splits == ()
        assert held(network, decisions, offset, ball).all()
        table = found.outputs.table
        slopes = framed.slopes(table[1 : 1 + framed.rank])[0]
        value = network.evaluate(ball.centre + offset)[0]
        assert table[0] + offset[0] @ slopes == pytest.approx(value, abs=1e-12)
        assert found.outputs.slack.max() < 1e-12


def test_few_first_units_become_the_basis():
    network = read(nn.Sequential(nn.Linear(20, 5), nn.ReLU(), nn.Linear(5, 2)).double()).frozen()
    none = np.full(20, math.inf)
    ball = Ball(centre=np.zeros(20), norm=2.0, radius=1.0, low=-none, high=none)
    framed, known = head_start(network, ball)
    assert framed.rank == 5
    assert joined(list(known.values())).table.shape == (6, 5)
    weight = next(network.nodes[i] for i in known).linear(np.eye(20))
    assert framed.basis == pytest.approx(weight)
    assert framed.span.T @ framed.span == pytest.approx(np.eye(5))


def test_cuts_hold_at_the_true_deviations():
    """Inside one unit's kink the true output has a deviation of its own; all cuts hold there."""
    network, none = NETS["relu"], np.full(4, math.inf)
    ball = Ball(centre=np.full(4, 0.2), norm=2.0, radius=1.0, low=-none, high=none)
    found = enclose(network, ball)
    rows = found.cuts
    assert len(rows.constants) == 2 * len(found.splits) > 0
    first = [k for k, made in enumerate(found.splits) if made.node == found.splits[0].node]
    for offset in sampled(ball, 200, 0):
        z = forward(network, (ball.centre + offset)[None], network.nodes[found.splits[0].node].inputs)
        (value,) = z.values()
        for k in first:
            made = found.splits[k]
            pair = [i for i in range(2 * len(first)) if rows.spread[i, k] != 0]
            out = max(value[0, made.left], 0.0)
            deviations = np.zeros(len(found.splits))
            bent = rows.constants[pair[0]] + rows.slopes[pair[0]] @ offset
            deviations[k] = (0.0 * out - out - bent) / rows.spread[pair[0], k]
            assert abs(deviations[k]) <= 1 + 1e-9
            assert (rows.values(offset, deviations)[pair] <= 1e-9).all()
