"""A fingerprint of a model's structure, parameters and buffers, for provenance."""

from hashlib import blake2b

from torch import nn

from inscape._fingerprint import write_module


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
    write_module(model, digest.update)
    return digest.hexdigest()
