"""Distance to the decision boundary: time of a point and share certified, beside mixed-integer programs by HiGHS."""

import time
from collections.abc import Callable
from math import inf
from statistics import median
from typing import Any

import numpy as np
from _record import options, store, table
from torch import nn

from inscape import data, training
from inscape.regions import distance
from inscape.testing import distance_by_milp, random_net

NORMS = {"1": 1.0, "2": 2.0, "inf": inf}


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Wall time of one call, and what it gave."""
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def trained(name: str, hidden: tuple[int, ...], epochs: int) -> tuple[nn.Module, np.ndarray, str]:
    """A network trained on four fifths of a data set, and the other samples."""
    x, y = data.load(name)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x.flatten(1)[order], y[order]
    cut = len(x) * 4 // 5
    model = training.mlp([x.shape[1], *hidden, 10])
    fitted = training.fit(model, (x[:cut], y[:cut]), epochs=epochs, progress=False).model
    return fitted, x[cut:].double().numpy(), f"{name} {'-'.join(map(str, (x.shape[1], *hidden, 10)))}"


def certified(model: nn.Module, points: np.ndarray, work: str, timeout: float) -> list[dict[str, Any]]:
    """How many points are certified within a time, and how quickly."""
    rows = []
    for name, norm in NORMS.items():
        times, sure, gaps = [], 0, []
        for point in points:
            taken, found = seconds(lambda p=point, n=norm: distance(model, p, n, timeout=timeout, progress=False))
            times.append(taken)
            sure += int(found.certified[0])
            gaps.append(float(found.gap[0]))
        rows.append(
            {
                "work": f"{work}, {name}-norm, {timeout:g} s a point",
                "certified": f"{sure} of {len(points)}",
                "median time": f"{median(times):.2f} s",
                "median gap": f"{median(gaps):.3f}",
                "largest gap": f"{max(gaps):.3f}",
                "time of MILP / ours": "",
            }
        )
    return rows


def beside_milp(widths: list[int], count: int) -> list[dict[str, Any]]:
    """Both sides in turn on random networks; the answers have to agree."""
    rows = []
    for name, norm in (("1", 1.0), ("inf", inf)):
        ratios, times, sure = [], [], 0
        distance(random_net(widths, rng=0), np.zeros(widths[0]), norm, max_cells=5)  # imports and caches are there
        for seed in range(count):
            model = random_net(widths, rng=seed)
            x = np.random.default_rng(seed).standard_normal(widths[0])
            theirs, wanted = seconds(lambda m=model, p=x, n=norm: distance_by_milp(m, p, n))
            ours, found = seconds(lambda m=model, p=x, n=norm: distance(m, p, n, timeout=60, progress=False))
            if not found.lower[0] <= wanted * (1 + 1e-6) <= found.upper[0] * (1 + 3e-6):
                raise SystemExit(f"{widths}, seed {seed}: {found.lower[0]} to {found.upper[0]}, the program {wanted}")
            ratios.append(theirs / ours)
            times.append(ours)
            sure += int(found.certified[0])
        rows.append(
            {
                "work": f"random {'-'.join(map(str, widths))}, {name}-norm",
                "certified": f"{sure} of {count}",
                "median time": f"{median(times):.2f} s",
                "median gap": "",
                "largest gap": "",
                "time of MILP / ours": f"{median(ratios):.2f}",
            }
        )
    return rows


def main() -> None:
    """Measure, print, store."""
    chosen = options(__doc__)
    if chosen.quick:
        rows = beside_milp([3, 5, 4, 3], 2)
        model, points, work = trained("digits", (8,), 2)
        rows += certified(model, points[:2], work, 2.0)
    else:
        rows = [*beside_milp([5, 10, 10, 3], 10), *beside_milp([10, 16, 16, 3], 10)]
        for name, hidden, epochs in (("digits", (32, 32), 40), ("mnist5k", (50,), 15), ("mnist5k", (50, 50), 15)):
            model, points, work = trained(name, hidden, epochs)
            rows += certified(model, points[:20], work, 10.0)
    store(chosen.out, "distance", rows)
    print(table(rows))


if __name__ == "__main__":
    main()
