"""The table of counts, bounds and estimates: every row is what the function behind it says."""

import numpy as np
import pytest
from torch import nn

from inscape.geometry import Box
from inscape.network import read
from inscape.regions import counting, partition
from inscape.regions._compare import comparison, known_bounds
from inscape.regions._sample import sample_regions
from inscape.testing import random_net


@pytest.mark.parametrize("dimension", [2, 3, 4])
def test_a_chain_of_relu_layers_has_every_bound(dimension):
    rows, notes = known_bounds(read(random_net([dimension, 6, 5, 2], rng=0)), dimension)
    values = {name: value for name, _, value in rows}
    assert values["Serra et al. 2018"] == counting.serra_upper([6, 5], dimension)
    assert values["Raghu et al. 2017"] == counting.raghu_upper([6, 5], dimension)
    assert values["all sign patterns"] == 2**11
    assert notes == []


def test_an_affine_network_has_none():
    rows, notes = known_bounds(read(nn.Sequential(nn.Linear(2, 3))), 2)
    assert rows == []
    assert "no unit that bends" in notes[0]


def test_the_count_stands_last_and_the_gaps_are_to_it():
    network, box = read(random_net([3, 8, 2], rng=0)), Box(low=(-1, -1, -1), high=(1, 1, 1))
    cells, sample = partition(network, box), sample_regions(network, box, samples=300, rng=0)
    table, notes = comparison(network, cells, sample)
    assert (table["quantity"][-1], table["regions"][-1], table["gap"][-1]) == ("counted", cells.cell_count, 0)
    assert table["regions"][-2] == round(sample.estimate)
    np.testing.assert_allclose(table["gap"], np.log10(np.array(table["regions"]) / cells.cell_count), atol=0.0051)
    assert "300 random points met" in notes[-1]
    assert f"{sample.coverage:.1%} of the domain" in notes[-1]


def test_without_a_sample_there_is_no_estimate():
    network, box = read(random_net([2, 4, 2], rng=0)), Box(low=(-1, -1), high=(1, 1))
    table, notes = comparison(network, partition(network, box))
    assert not [name for name in table["quantity"] if "random points" in name]
    assert notes == []
