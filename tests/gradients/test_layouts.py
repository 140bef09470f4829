"""Where samples lie in a tensor."""

import pytest
import torch

from inscape.gradients._layouts import by_sample, layouts


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ((3,), ["first"]),
        ((3, 5), ["first"]),
        ((3, 3, 5), ["first", "second"]),
        ((4, 3, 5), ["second"]),
        ((6, 5), ["folded first", "folded second"]),
        ((5, 3), []),
        ((6, 4, 4), []),
        ((), []),
    ],
)
def test_layouts_that_fit(shape, found):
    assert layouts(shape, 3) == found


@pytest.mark.parametrize(
    ("layout", "turn"),
    [
        ("first", lambda x: x),
        ("second", lambda x: x.transpose(0, 1)),
        ("folded first", lambda x: x.reshape(12, 5)),
        ("folded second", lambda x: x.transpose(0, 1).reshape(12, 5)),
    ],
)
def test_samples_come_back_to_the_first_axis(layout, turn):
    x = torch.arange(60.0).reshape(3, 4, 5)
    moved = turn(x)
    assert layout in layouts(tuple(moved.shape), 3)
    assert torch.equal(by_sample(moved, 3, layout), x)
