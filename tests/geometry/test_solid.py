"""Names of vertices tell different vertices apart."""

import numpy as np
import pytest

from inscape.geometry import Box, faces, plan, subdivide
from inscape.geometry._kernels_corner import scramble_all
from inscape.geometry._solid import first_solid
from inscape.network import read
from inscape.testing import random_net


@pytest.mark.parametrize("d", [3, 6])
def test_no_corner_of_the_domain_has_the_name_of_a_predicate(d):
    """A new vertex is named by its edge's ends and its predicate: a corner and a predicate of one name would cancel."""
    corners = first_solid(plan(read(random_net([d, 2, 1], rng=0)), Box(low=[-1] * d, high=[1] * d))).name
    assert len(np.unique(corners)) == 2**d
    assert not np.isin(corners, scramble_all(np.arange(1 << 20, dtype=np.uint64))).any()


def test_blocks_join_what_they_share_and_nothing_else():
    """On this network two vertices of one edge's end had the same name when corners were named like predicates."""
    chart = Box(low=[-1] * 3, high=[1] * 3)
    made = subdivide(read(random_net([3, 64, 64, 1], rng=0)), chart).complex
    assert faces(made).euler == 1
    assert abs(made.volumes.sum() - 8) < 1e-12
