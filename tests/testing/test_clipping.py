"""Clipping in fractions against linear programs, and where those are blind."""

import numpy as np
import pytest
from hypothesis import given, settings

from inscape._errors import InputError
from inscape.geometry import Box, Plane, Segment
from inscape.testing import cells_by_clipping, cells_by_lp, relu_nets

SQUARE = Box(low=(-1.0, -1.0), high=(1.0, 1.0))


@given(relu_nets(max_width=5, max_depth=2))
@settings(max_examples=25)
def test_clipping_and_linear_programs_agree(net):
    for chart in (SQUARE, Segment((-1.0, -0.5), (0.75, 1.0))):
        assert np.array_equal(cells_by_clipping(net, chart), cells_by_lp(net, chart))


@given(relu_nets(dimension=3, max_width=4, max_depth=2))
@settings(max_examples=15)
def test_on_a_plane(net):
    chart = Plane.through((0.0, 0.0, 0.0), (1.0, 0.5, 0.0), (0.0, 0.25, 1.0))
    assert np.array_equal(cells_by_clipping(net, chart), cells_by_lp(net, chart))


def test_a_sliver_that_no_float_can_tell():
    """Two parallel lines at a distance of 2**-70, beside a large constant."""
    layers = [(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0.0, 2.0**-70])), (np.ones((1, 2)), np.zeros(1))]
    assert len(cells_by_clipping(layers, SQUARE)) == 3
    assert len(cells_by_lp(layers, SQUARE)) == 2


def test_other_dimensions_are_refused():
    with pytest.raises(InputError, match="got 3"):
        cells_by_clipping(
            [(np.ones((1, 3)), np.ones(1)), (np.ones((1, 1)), np.ones(1))], Box(low=[0] * 3, high=[1] * 3)
        )
