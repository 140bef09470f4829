"""A fingerprint of a model's structure, parameters and buffers, for provenance."""

from hashlib import blake2b

import torch
from torch import nn


def model_fingerprint(model: nn.Module) -> str:
    """Fingerprint of structure, parameters and buffers.

    Two models with the same module tree and bit-identical tensors have the same fingerprint; mode, device, gradients
    and hooks do not matter.

    Args:
        model: the model, not touched.

    Returns:
        32 hexadecimal digits.

    Example:
        >>> layer = nn.Linear(2, 1)
        >>> model_fingerprint(layer) == model_fingerprint(nn.Linear(2, 1))
        False
    """
    digest = blake2b(digest_size=16)
    for path, module in model.named_modules():
        kind = type(module)
        digest.update(f"module {path} {kind.__module__}.{kind.__qualname__} {module.extra_repr()}\n".encode())
    for name, tensor in sorted([*model.named_parameters(), *model.named_buffers()], key=lambda pair: pair[0]):
        digest.update(f"tensor {name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()
