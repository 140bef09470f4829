"""After a trace: the captured network gives the model's own output, and treats every sample by itself."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from inscape._errors import ModelError
from inscape.network._export import shared_copy
from inscape.network._network import Network

_AGREEMENT = 0.02
"""Relative deviation that float32 or half precision may explain; a wrong capture is off by more."""


def check_capture(network: Network, model: nn.Module, example: Tensor) -> None:
    """Compare a captured network with its model near the example.

    Args:
        network: the captured network.
        model: the model, not touched: a copy runs on cloned tensors.
        example: (2, *shape) samples on the model's device.

    Raises:
        ModelError: if the outputs disagree or one sample's output depends on another sample.
    """
    noise = torch.randn(example.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    batch = example + (0.1 * (1 + float(example.abs().max())) * noise).to(example.device, example.dtype)
    cloned = {name: t.detach().clone() for name, t in [*model.named_parameters(), *model.named_buffers()]}
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        expected = functional_call(shared_copy(model), cloned, (batch.clone(),), strict=False)
    values = batch.to("cpu", torch.float64).numpy()
    found = network.evaluate(values, head=True)
    expected = _single(expected).to("cpu", torch.float64).numpy()
    scale = max(float(np.abs(found).max(initial=0)), 1e-6)
    if found.shape != expected.shape or not np.abs(found - expected).max(initial=0) <= _AGREEMENT * scale:
        raise ModelError(
            "the captured network does not give the model's own output, so it cannot be trusted; "
            "expected a forward that depends on the input and the parameters only"
        )
    alone = np.concatenate([network.evaluate(values[i : i + 1], head=True) for i in range(len(values))])
    if not np.abs(found - alone).max(initial=0) <= 1e-9 * scale:
        raise ModelError(
            "the model mixes the samples of a batch with one another: a sample alone gives another output; "
            "expected a model that treats every sample by itself"
        )


def _single(output: object) -> Tensor:
    """The one tensor in a nest of lists, tuples and dictionaries."""
    while not isinstance(output, Tensor):
        output = next(iter(output.values() if isinstance(output, dict) else output))  # type: ignore[attr-defined]
    return output
