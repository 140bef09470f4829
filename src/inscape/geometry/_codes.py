"""Patterns of a level in little memory: signs as bits, leaders of small groups in one, two or four bits."""

import numpy as np

from inscape.geometry._kernels_signs import unpack
from inscape.geometry._plan import Step
from inscape.geometry._program import Maximum


def code_width(members: int) -> int:
    """Bits that hold a position in a group.

    Args:
        members: size of the largest group.

    Returns:
        1, 2, 4, 8 or 16.

    Example:
        >>> [code_width(k) for k in (1, 2, 3, 4, 5, 9, 17, 300)]
        [1, 1, 2, 2, 4, 4, 8, 16]
    """
    return next(bits for bits in (1, 2, 4, 8, 16) if members <= 1 << bits)


def packed_codes(codes: np.ndarray, members: int) -> np.ndarray:
    """Put several positions into one byte.

    Args:
        codes: (c, n) positions in groups.
        members: size of the largest group.

    Returns:
        (c, ceil(n / p)) bytes with p = 8, 4 or 2 positions each, the first one lowest; positions in larger groups
        come as they are, in one or two bytes.
    """
    width = code_width(members)
    if width >= 8:
        return codes.astype(np.uint8 if width == 8 else np.uint16)
    share = 8 // width
    padded = np.zeros((len(codes), -(-codes.shape[1] // share) * share), np.uint8)
    padded[:, : codes.shape[1]] = codes
    packed = padded[:, ::share].copy()
    for place in range(1, share):
        packed |= padded[:, place::share] << np.uint8(width * place)
    return packed


def unpacked_codes(packed: np.ndarray, count: int, members: int) -> np.ndarray:
    """The positions that :func:`packed_codes` packed.

    Args:
        packed: (c, bytes) packed positions; (c, count) positions that were never packed pass unchanged.
        count: number n of positions in a row.
        members: size of the largest group.

    Returns:
        (c, n) positions.
    """
    width = code_width(members)
    if packed.shape[1] == count or width >= 8:
        return packed
    share, mask = 8 // width, np.uint8((1 << width) - 1)
    codes = np.empty((len(packed), packed.shape[1] * share), np.uint8)
    for place in range(share):
        codes[:, place::share] = (packed >> np.uint8(width * place)) & mask
    return codes[:, :count]


def pattern(bits: np.ndarray, step: Step) -> np.ndarray:
    """What the bits of a level say.

    Args:
        bits: (c, ...) rows of ``Level.bits``.
        step: the step that made the level.

    Returns:
        (c, n) booleans, True where a predicate is positive; for maxima (c, outputs) positions of the leaders.
    """
    if isinstance(step.rule, Maximum):
        return unpacked_codes(bits, *step.rule.groups.shape)
    return unpack(bits, step.size)
