"""What it costs to watch every training step: watched and plain steps in turn, threads pinned to 1 and to 2."""

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import torch
from _record import options, store, table
from torch import nn

from inscape.gradients import GradientTracker, track
from inscape.training import mlp

WIDTHS = (784, 1000, 500, 250, 10)
BATCH = 128
REACH = 1.15
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=1e-3),
    "Adam": lambda parameters: torch.optim.Adam(parameters, lr=1e-4),
}
SIDES: dict[str, dict[str, Any] | None] = {
    "plain": None,
    "units and single samples": {"per": "epoch", "weights": False},
    "the weights' gradients as well": {"per": "epoch", "weights": True},
    "all, and a record each step": {"per": "step", "weights": True},
}
"""What is watched at every step; the first one after the plain step is what is to be reached."""


class Side:
    """A model, its optimizer, and perhaps somebody who looks on."""

    def __init__(self, optimizer: str, activation: str, watched: dict[str, Any] | None) -> None:
        self.model = mlp(WIDTHS, activation=activation)
        self.optimizer = OPTIMIZERS[optimizer](self.model.parameters())
        self.weights = bool(watched and watched["weights"])
        self.tracker: GradientTracker | None = None if watched is None else track(per=watched["per"])

    def step(self, x: torch.Tensor, y: torch.Tensor) -> float:
        """Seconds of one step."""
        begin = perf_counter()
        self.optimizer.zero_grad()
        if self.tracker is None:
            nn.functional.cross_entropy(self.model(x), y).backward()
        else:
            with self.tracker.watch(self.model, weights=self.weights):
                nn.functional.cross_entropy(self.model(x), y).backward()
        self.optimizer.step()
        return perf_counter() - begin


def measured(optimizer: str, activation: str, rounds: int) -> dict[str, tuple[float, float]]:
    """Side → median milliseconds, and median over rounds of the ratio to the plain step beside it."""
    source = torch.Generator().manual_seed(0)
    x, y = torch.randn(BATCH, WIDTHS[0], generator=source), torch.randint(WIDTHS[-1], (BATCH,), generator=source)
    sides = {name: Side(optimizer, activation, watched) for name, watched in SIDES.items()}
    for side in sides.values():
        side.step(x, y)
    seconds = [{name: side.step(x, y) for name, side in sides.items()} for _ in range(rounds)]
    return {
        name: (1e3 * median(one[name] for one in seconds), median(one[name] / one["plain"] for one in seconds))
        for name in sides
    }


def main() -> None:
    """Measure, print, store."""
    chosen = options(__doc__)
    rows = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for optimizer in OPTIMIZERS:
            for activation in ("relu", "tanh", "sigmoid"):
                found = measured(optimizer, activation, 5 if chosen.quick else 100)
                for name in list(SIDES)[1:]:
                    rows.append({
                        "work": f"{name}: {optimizer}, {activation}, threads {threads}",
                        "plain ms": round(found["plain"][0], 2),
                        "watched ms": round(found[name][0], 2),
                        "ratio": round(found[name][1], 3),
                        "reach": f"≤ {REACH}" if name == list(SIDES)[1] else "",
                    })  # fmt: skip
    store(chosen.out, "tracking", rows)
    print(table(rows))


if __name__ == "__main__":
    main()
