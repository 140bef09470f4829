"""Bounds on the number of linear regions of deep networks, and its expected scale."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import comb, factorial, log10, prod

from inscape._errors import InputError
from inscape.regions._counting import generic_cells, whole


def _sizes(widths: Sequence[int], dimension: int) -> tuple[list[int], int]:
    sizes = [whole("every width", width, least=1) for width in widths]
    if not sizes:
        raise InputError("expected the width of at least one hidden layer, got none")
    return sizes, whole("dimension", dimension, least=1)


def pattern_upper(widths: Sequence[int]) -> int:
    r"""Number of sign patterns that units could have if nothing else bound them: :math:`2^N`.

    Args:
        widths: units of each hidden layer.

    Returns:
        The upper bound.

    Example:
        >>> pattern_upper([4, 4])
        256
    """
    return 2 ** sum(_sizes(widths, 1)[0])


def montufar_lower(widths: Sequence[int], dimension: int) -> int:
    r"""Number of regions that some ReLU network of this shape has at least.

    .. math:: \prod_{l=1}^{L-1} \lfloor n_l / d \rfloor^{d} \; \sum_{i=0}^{d} \binom{n_L}{i}

    If a layer before the last is narrower than the input, the construction uses only as many inputs as that layer
    has units. It is a bound on the *largest* count over all weights: a given network may have fewer regions.

    Args:
        widths: units :math:`n_1, \dots, n_L` of the hidden layers.
        dimension: dimension d of the input.

    Returns:
        The lower bound on the largest number of regions.

    Example:
        >>> montufar_lower([4, 4], 2)  # four folded copies of four lines in general position
        44

    Source:
        Montúfar, Pascanu, Cho and Bengio (2014), the theorem on deep rectifier networks.
    """
    sizes, inputs = _sizes(widths, dimension)
    used = min([inputs, *sizes[:-1]])
    return prod((width // used) ** used for width in sizes[:-1]) * generic_cells(sizes[-1], used)


def raghu_upper(widths: Sequence[int], dimension: int) -> int:
    r"""Upper bound: every layer cuts every region as finely as general position in input space allows.

    .. math:: \prod_{l=1}^{L} \sum_{i=0}^{d} \binom{n_l}{i}

    Args:
        widths: units :math:`n_1, \dots, n_L` of the hidden layers.
        dimension: dimension d of the input.

    Returns:
        The upper bound.

    Example:
        >>> raghu_upper([4, 4], 2)
        121

    Source:
        Raghu et al. (2017), Theorem 1; Zhang, Naitzat and Lim (2018), Theorem 6.3.
    """
    sizes, inputs = _sizes(widths, dimension)
    return prod(generic_cells(width, inputs) for width in sizes)


def montufar_upper(widths: Sequence[int], dimension: int) -> int:
    r"""Upper bound that knows of bottlenecks.

    .. math:: \prod_{l=1}^{L} \sum_{i=0}^{m_l} \binom{n_l}{i}, \qquad m_l = \min(d, n_1, \dots, n_{l-1})

    It holds for every activation with one threshold, leaky ones too.

    Args:
        widths: units :math:`n_1, \dots, n_L` of the hidden layers.
        dimension: dimension d of the input.

    Returns:
        The upper bound.

    Example:
        >>> montufar_upper([1, 4], 2)  # behind a single unit the image is a line
        10

    Source:
        Montúfar (2017), Notes on the number of linear regions of deep neural networks.
    """
    sizes, inputs = _sizes(widths, dimension)
    return prod(generic_cells(width, min([inputs, *sizes[:layer]])) for layer, width in enumerate(sizes))


def serra_upper(widths: Sequence[int], dimension: int) -> int:
    r"""Upper bound that also knows that units which are off take dimensions away.

    .. math:: \sum_{j \in J} \prod_{l=1}^{L} \binom{n_l}{j_l}, \qquad
              J = \{ j : 0 \le j_l \le \min(d, n_1 - j_1, \dots, n_{l-1} - j_{l-1}, n_l) \}

    The sum is taken layer by layer over the dimension that is left, in exact integers. It holds for ReLU.

    Args:
        widths: units :math:`n_1, \dots, n_L` of the hidden layers.
        dimension: dimension d of the input.

    Returns:
        The upper bound.

    Example:
        >>> serra_upper([1, 1], 1)  # off; on and off; on and on
        3

    Source:
        Serra, Tjandraatmadja and Ramalingam (2018), Theorem 1.
    """
    sizes, inputs = _sizes(widths, dimension)
    ways = {inputs: 1}
    for width in sizes:
        binomials = [comb(width, j) for j in range(width + 1)]
        following: dict[int, int] = {}
        for left, count in ways.items():
            for j in range(min(left, width) + 1):
                rest = min(left, width - j)
                following[rest] = following.get(rest, 0) + count * binomials[j]
        ways = following
    return sum(ways.values())


def maxout_upper(widths: Sequence[int], rank: int, dimension: int) -> int:
    r"""Upper bound for maxout units, each the largest of k affine functions.

    A unit changes its leader only across one of :math:`k(k-1)/2` hyperplanes, and has k leaders:

    .. math:: \prod_{l=1}^{L} \min\Bigl(k^{n_l},\;
              \sum_{i=0}^{m_l} \binom{n_l k (k-1) / 2}{i}\Bigr), \qquad m_l = \min(d, n_1, \dots, n_{l-1})

    Args:
        widths: units :math:`n_1, \dots, n_L` of the hidden layers.
        rank: number k of affine functions under each maximum.
        dimension: dimension d of the input.

    Returns:
        The upper bound.

    Example:
        >>> maxout_upper([1], 3, 2)  # three leaders
        3

    Source:
        Montúfar et al. (2014), section on maxout networks; Serra et al. (2018), the bound for maxout.
    """
    sizes, inputs = _sizes(widths, dimension)
    pieces = whole("rank", rank, least=1)
    pairs = pieces * (pieces - 1) // 2
    return prod(
        min(pieces**width, generic_cells(width * pairs, min([inputs, *sizes[:layer]])))
        for layer, width in enumerate(sizes)
    )


def expected_scale(units: int, dimension: int) -> int:
    r"""Scale of the count of a network with random weights: all its units as one generic arrangement.

    .. math:: \sum_{i=0}^{d} \binom{N}{i}

    Depth does not enter. It is a scale, neither a bound nor a mean: the constant depends on initialisation and domain.

    Args:
        units: number N of all hidden units.
        dimension: dimension d of the input.

    Returns:
        The scale.

    Example:
        >>> expected_scale(128, 2)
        8257

    Source:
        Hanin and Rolnick (2019), Complexity of linear regions in deep networks.
    """
    return generic_cells(whole("units", units), whole("dimension", dimension, least=1))


def asymptotic_scale(units: int, dimension: int) -> Fraction:
    r"""Leading term of :func:`expected_scale` for many units: :math:`N^d / d!`.

    Args:
        units: number N of all hidden units.
        dimension: dimension d of the input.

    Returns:
        The exact fraction.

    Example:
        >>> float(asymptotic_scale(128, 2))
        8192.0

    Source:
        Hanin and Rolnick (2019).
    """
    inputs = whole("dimension", dimension, least=1)
    return Fraction(whole("units", units) ** inputs, factorial(inputs))


def _logarithm(value: int | Fraction) -> float:
    fraction = Fraction(value)
    return log10(fraction.numerator) - log10(fraction.denominator)


def _written(value: int | Fraction) -> str:
    if value < 10**12:
        return f"{round(value):,}"
    exponent, mantissa = divmod(_logarithm(value), 1.0)
    return f"{10**mantissa:.2f}e{int(exponent)}"


def bounds(widths: Sequence[int], dimension: int, *, exact: int | None = None) -> Mapping[str, list[str] | list[float]]:
    """Every bound and scale for a ReLU network of one shape, as the columns of a table.

    Args:
        widths: units of the hidden layers.
        dimension: dimension of the input or of the chart on which regions are counted.
        exact: the counted number of regions; adds its row and the column of gaps.

    Returns:
        Columns ``quantity``, ``says`` (at least, at most, about, exactly), ``regions`` (written out, or as a power of
        ten), ``log10`` and, beside an exact count, ``gap``: log10 of the quantity over the count.

    Example:
        >>> bounds([3, 3], 2, exact=20)["regions"]
        ['7', '22', '18', '40', '49', '49', '64', '20']

    Source:
        The functions of this module, in the order of the rows.
    """
    sizes, inputs = _sizes(widths, dimension)
    rows: list[tuple[str, str, int | Fraction]] = [
        ("Montúfar 2014, best weights", "at least", montufar_lower(sizes, inputs)),
        ("all units in general position", "about", expected_scale(sum(sizes), inputs)),
        ("N^d / d!", "about", asymptotic_scale(sum(sizes), inputs)),
        ("Serra 2018", "at most", serra_upper(sizes, inputs)),
        ("Montúfar 2017", "at most", montufar_upper(sizes, inputs)),
        ("Raghu 2017, Zhang 2018", "at most", raghu_upper(sizes, inputs)),
        ("sign patterns", "at most", pattern_upper(sizes)),
    ]
    if exact is not None:
        rows.append(("counted", "exactly", whole("exact", exact, least=1)))
    columns: dict[str, list[str] | list[float]] = {
        "quantity": [name for name, _, _ in rows],
        "says": [relation for _, relation, _ in rows],
        "regions": [_written(value) for _, _, value in rows],
        "log10": [_logarithm(value) for _, _, value in rows],
    }
    if exact is not None:
        columns["gap"] = [_logarithm(value) - log10(exact) for _, _, value in rows]
    return columns
