"""No graph is left behind: hooks that hold the graph that holds them would never be collected."""

import gc
import warnings

import pytest
import torch

from inscape import gradients
from inscape.geometry import Box
from inscape.training import mlp

SQUARE = Box(low=(-1, -1), high=(1, 1))


def tensors() -> int:
    """Living tensors, after a collection."""
    gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # looking at torch's own lazy objects warns
        return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())


def watch(model, data):
    tracker = gradients.track()
    with tracker.watch(model):
        torch.nn.functional.cross_entropy(model(data[0]), data[1]).backward()
    tracker.end_epoch()
    model.zero_grad(set_to_none=True)


VERBS = {
    "audit": lambda model, data: gradients.audit(model, data, rescale=True),
    "budget": lambda model, data: gradients.budget(model, None, data),
    "contributions": lambda model, data: gradients.contributions(model, None, data),
    "diagnose": lambda model, data: gradients.diagnose(model, None, data),
    "field": lambda model, data: gradients.field(model, None, SQUARE, resolution=6),
    "slabs": gradients.slabs,
    "support": lambda model, data: gradients.support(model, data, needed=2),
    "track": watch,
    "track on fixed data": lambda model, data: gradients.track(data)(step=0, epoch=0, model=model, metrics={}),
}


@pytest.mark.parametrize("verb", VERBS)
def test_no_tensor_is_left_behind(verb):
    model = mlp([2, 8, 8, 3], activation="tanh", rng=0)
    source = torch.Generator().manual_seed(0)
    data = torch.randn(32, 2, generator=source), torch.randint(0, 3, (32,), generator=source)
    VERBS[verb](model, data)  # what is made once and kept
    before = tensors()
    for _ in range(4):
        VERBS[verb](model, data)
    assert tensors() - before < 4
