"""Numbers as a reader likes them on the page, and as JSON wants them."""

import math
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import numpy as np

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LONGEST = 10**15


def power_of_ten(exponent: float) -> str:
    """A number given by its decimal logarithm, as mantissa and power.

    Args:
        exponent: decimal logarithm.

    Returns:
        Text such as ``"3.2 × 10⁴⁵"``.

    Example:
        >>> power_of_ten(45.5)
        '3.2 × 10⁴⁵'
    """
    whole = math.floor(exponent)
    mantissa = f"{10 ** (exponent - whole):.1f}"
    if mantissa == "10.0":
        mantissa, whole = "1.0", whole + 1
    return f"{mantissa} × 10{str(whole).translate(_SUPERSCRIPTS)}"


def number(value: object) -> str:
    """Write one value of a table or a tile.

    Args:
        value: anything; numbers get commas between thousands or four significant digits.

    Returns:
        Plain text.

    Example:
        >>> number(0.123456), number(True), number(None)
        ('0.1235', 'yes', '–')
    """
    if value is None:
        return "–"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        whole = int(value)
        if abs(whole) < _LONGEST:
            return f"{whole:,}".replace("-", "−")
        return f"≈ {'−' if whole < 0 else ''}{power_of_ten(math.log10(abs(whole)))}"
    if isinstance(value, float | np.floating):
        return _decimal(float(value))
    return str(value)


def _decimal(value: float) -> str:
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞" if value > 0 else "−∞"
    size = abs(value)
    if size and (size < 1e-4 or size >= 1e15):
        text = power_of_ten(math.log10(size))
        return f"−{text}" if value < 0 else text
    if size >= 1e4:
        return number(round(value))
    return f"{value:.4g}".replace("-", "−")


def is_number(value: object) -> bool:
    """Whether a table sets the value to the right."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def plain(value: Any) -> Any:
    """Turn a value into strict JSON: no NaN, no numpy, huge integers as their decimal logarithm.

    Args:
        value: nesting of mappings, sequences, arrays and scalars.

    Returns:
        The same with dicts, lists, numbers, text, booleans and None only.

    Example:
        >>> plain({"a": float("nan"), "b": (1, 2)})
        {'a': None, 'b': [1, 2]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return {"log10": round(math.log10(abs(value)), 6), "sign": 1 if value > 0 else -1}
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Sequence | set | frozenset):
        return [plain(item) for item in value]
    return str(value)
