"""Randomness without global state: every verb takes ``rng`` and draws from its own generator."""

from typing import TypeAlias

import numpy as np

from inscape._errors import InputTypeError

RandomState: TypeAlias = int | np.random.Generator | None


def generator(rng: RandomState) -> np.random.Generator:
    """Turn the keyword ``rng`` into a generator of its own.

    Args:
        rng: a seed, a generator that is advanced in place, or None for fresh entropy.

    Returns:
        A numpy generator; the global random state is neither read nor set.

    Raises:
        InputTypeError: if ``rng`` is none of these.
    """
    if isinstance(rng, np.random.Generator):
        return rng
    if rng is None or (isinstance(rng, int | np.integer) and not isinstance(rng, bool)):
        return np.random.default_rng(rng)
    raise InputTypeError(f"expected rng to be an int, a numpy Generator or None, got {type(rng).__name__}")


def draw_seed(rng: RandomState) -> int:
    """Draw a 63-bit seed, for libraries that take a seed only and for provenance.

    Args:
        rng: as in :func:`generator`; an int is returned unchanged, so that it can be found again.

    Returns:
        The seed.
    """
    if isinstance(rng, int | np.integer) and not isinstance(rng, bool):
        return int(rng)
    return int(generator(rng).integers(2**63 - 1))
