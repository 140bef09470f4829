"""One-dimensional digits: a small, hard set of any size."""

import numpy as np

from inscape._errors import DataError
from inscape._rng import RandomState, generator

_FINE = 160
_POINTS = 12


def digit_strokes() -> np.ndarray:
    """Horizontal position of the pen while it draws each digit from top to bottom, our own closed forms.

    Returns:
        (10, 12) positions in [-1, 1]; row ``k`` is digit ``k``.
    """
    s = np.linspace(0, 1, _POINTS)
    wave = np.sin(2 * np.pi * s)
    return np.stack(
        [
            -np.sin(np.pi * s),  # 0: the left side of the ring
            np.where(s < 0.3, -0.8 + s, 0.1),  # 1: flag, then the straight stem
            wave,  # 2: right bow, then to the left
            np.abs(wave),  # 3: two right bows
            np.where(s < 0.6, -1.6 * s, 0.4),  # 4: slant to the left, then the stem
            np.where(s < 0.4, -0.7, np.sin(np.pi * (s - 0.4) / 0.6)),  # 5: left stem, then a right bow
            -2 * s**2 * np.sin(np.pi * s),  # 6: a left bow, strongest below
            1 - 2 * s,  # 7: from the right down to the left
            -np.abs(wave),  # 8: two left bows
            np.where(s < 0.5, -wave, 0.3),  # 9: a left bow, then the stem
        ]
    )


def _smooth(rows: np.ndarray, width: float) -> np.ndarray:
    reach = int(np.ceil(3 * width))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    padded = np.pad(rows, ((0, 0), (reach, reach)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=1)
    return windows @ (kernel / kernel.sum())


def _draw(y: np.ndarray, source: np.random.Generator) -> np.ndarray:
    n = len(y)
    position = np.linspace(0, 1, _FINE)
    width = source.uniform(1 / 6, 1 / 4, (n, 1))
    start = source.uniform(0, 1, (n, 1)) * (1 - width)
    along = (position - start) / width * (_POINTS - 1)
    inside = (along >= 0) & (along <= _POINTS - 1)
    left = np.clip(np.floor(along), 0, _POINTS - 2).astype(np.int64)
    share = along - left
    strokes = digit_strokes()[y]
    rows = np.arange(n)[:, None]
    curve = (1 - share) * strokes[rows, left] + share * strokes[rows, left + 1]
    return np.where(inside, curve, 0) * source.uniform(0.8, 1.2, (n, 1))


def mnist1d(
    *, n: int = 5000, length: int = 40, noise: float = 0.15, shear: float = 0.5, rng: RandomState = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Digits as sequences: a stroke of 12 points that is padded, moved, scaled, sheared, blurred and sampled.

    The steps follow the public recipe of MNIST-1D. The ten strokes (:func:`digit_strokes`), the order of the random
    draws and the fine grid are ours, so samples and accuracies are near the published set's in kind, not in number.

    1. Place the stroke, between a sixth and a quarter of the sequence wide, anywhere in it, zero elsewhere.
    2. Scale its amplitude by up to 20 % either way.
    3. Add a straight line of random slope (shear) and smooth noise (correlated over a twentieth of the sequence).
    4. Blur, sample ``length`` points, and add white noise of a tenth of the smooth noise.

    Args:
        n: number of sequences; classes differ by one in number at most.
        length: samples per sequence.
        noise: standard deviation of the smooth noise; a stroke reaches to 1.
        shear: half range of the line's rise over the sequence.
        rng: seed or generator.

    Returns:
        Sequences (n, length), standardised as one set to mean 0 and deviation 1, and labels (n,) in 0..9.

    Raises:
        DataError: if a count is too small or a scale negative.

    Source:
        Greydanus and Kobak (2024), Scaling down deep learning with MNIST-1D.
    """
    if n < 10 or length < 2:
        raise DataError(f"expected n ≥ 10 (one sequence per digit) and length ≥ 2, got n={n}, length={length}")
    if not (noise >= 0 and shear >= 0):
        raise DataError(f"expected noise ≥ 0 and shear ≥ 0, got noise={noise}, shear={shear}")
    source = generator(rng)
    y = source.permutation(np.arange(n) % 10)
    curves = _draw(y, source)
    curves += shear * source.uniform(-1, 1, (n, 1)) * np.linspace(-0.5, 0.5, _FINE)
    rough = _smooth(source.standard_normal((n, _FINE)), _FINE / 20)
    curves += noise * rough / rough.std()
    at = np.linspace(0, _FINE - 1, length).round().astype(np.int64)
    x = _smooth(curves, _FINE / 80)[:, at] + 0.1 * noise * source.standard_normal((n, length))
    return ((x - x.mean()) / x.std()).astype(np.float32), y.astype(np.int64)
