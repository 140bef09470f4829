"""Where a result comes from: versions, seed, options and fingerprints."""

import hashlib
import platform
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import numpy as np

_PACKAGES = ("inscape", "torch", "numpy", "scipy", "numba")


@cache
def _installed() -> tuple[tuple[str, str], ...]:
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return tuple(found.items())


def _versions() -> dict[str, str]:
    return dict(_installed())


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """How a result was made.

    Attributes:
        function: qualified name of the verb.
        options: its options, as JSON values.
        model: fingerprint of the model's structure and parameters, empty if there is none.
        data: fingerprint of the data, empty if there is none.
        seed: the seed of every random draw, None if nothing was drawn.
        versions: versions of Python and of the libraries that compute.
        system: operating system and processor, in words.
        created: UTC time in ISO 8601.
        seconds: wall time of the computation.
    """

    function: str
    options: dict[str, object] = field(default_factory=dict)
    model: str = ""
    data: str = ""
    seed: int | None = None
    versions: dict[str, str] = field(default_factory=_versions)
    system: str = field(default_factory=lambda: f"{platform.system()} {platform.machine()} ({sys.platform})")
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    seconds: float = 0.0


def fingerprint(*arrays: np.ndarray) -> str:
    """Hash arrays by dtype, shape and content.

    Args:
        *arrays: any numpy arrays.

    Returns:
        The first 16 hexadecimal digits of a SHA-256.

    Example:
        >>> fingerprint(np.zeros(3)) == fingerprint(np.zeros(3))
        True
    """
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).view(np.uint8).data if array.size else b"")
    return digest.hexdigest()[:16]
