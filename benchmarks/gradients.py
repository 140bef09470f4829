"""Norms of single samples' gradients at every layer, against a plain step, vmap(grad) and a loop of backward passes.

A plain step is a forward and a backward pass of the batch, without the optimizer. The sides run in turn between two
batches of one call, so that a change of the machine's mood hits all of them. Ratios are of medians, and beside them of
the best times and of processor time, which other processes disturb less. ``backward`` takes a plain forward pass from
both sides.
"""

from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter, process_time
from typing import Any

import torch
import torch.nn.functional as F
from _record import options, store, table
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from inscape.gradients import contributions
from inscape.training import mlp, small_convnet

WARM = 3
"""Rounds of each side that do not count."""

Case = tuple[str, nn.Module, Tensor, Tensor, float, float | None]
"""Name, model, batch, labels, what a pass may cost over a plain step, and what vmap(grad) should cost over it.

The gradients of single samples of a small convolutional network are small, so that vmap(grad) has little to lose there.
"""


def cnn32() -> nn.Sequential:
    """Four convolutions on colour images of 32×32 pixels."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            *(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)),
        )


def cases(quick: bool) -> list[Case]:
    """The networks with a batch for each."""
    source = torch.Generator().manual_seed(0)

    def batch(count: int, *shape: int) -> tuple[Tensor, Tensor]:
        count = 8 if quick else count
        return torch.randn(count, *shape, generator=source), torch.randint(0, 10, (count,), generator=source)

    return [
        ("MLP 784-1000-500-250-10, batch 128", mlp([784, 1000, 500, 250, 10]), *batch(128, 784), 1.3, 5.0),
        ("small_convnet, batch 128", small_convnet(), *batch(128, 1, 28, 28), 2.0, None),
        ("CNN-32, 4 convolutions, batch 64", cnn32(), *batch(64, 3, 32, 32), 2.0, None),
    ]


def plain_step(model: nn.Module, x: Tensor, y: Tensor) -> None:
    """One forward and one backward pass."""
    torch.autograd.grad(F.cross_entropy(model(x), y), list(model.parameters()))


def by_vmap(model: nn.Module, x: Tensor, y: Tensor) -> Callable[[], dict[str, Tensor]]:
    """The same norms by torch.func."""
    parameters = {name: value.detach() for name, value in model.named_parameters() if value.ndim > 1}

    def loss(values: dict[str, Tensor], a: Tensor, b: Tensor) -> Tensor:
        return F.cross_entropy(functional_call(model, values, (a[None],)), b[None])

    single = vmap(grad(loss), in_dims=(None, 0, 0))
    return lambda: {name: g.flatten(1).norm(dim=1) for name, g in single(parameters, x, y).items()}


def by_loop(model: nn.Module, x: Tensor, y: Tensor) -> list[list[Tensor]]:
    """The same norms by one backward pass a sample."""
    weights = [p for p in model.parameters() if p.ndim > 1]
    return [
        [g.norm() for g in torch.autograd.grad(F.cross_entropy(model(a), b), weights)]
        for a, b in zip(x.split(1), y.split(1), strict=True)
    ]


Times = list[tuple[float, float]]
"""Seconds on the wall and of the processor."""


def now() -> tuple[float, float]:
    """The two clocks."""
    return perf_counter(), process_time()


def since(start: tuple[float, float]) -> tuple[float, float]:
    """Seconds since then on both clocks."""
    wall, processor = now()
    return wall - start[0], processor - start[1]


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Seconds of the work on both clocks."""
    start = now()
    work()
    return since(start)


def medians(times: Times) -> tuple[float, float]:
    """Median on both clocks."""
    return median(wall for wall, _ in times), median(processor for _, processor in times)


def in_turn(case: Case, rounds: int, others: dict[str, Callable[[], Any]]) -> dict[str, Times]:
    """Seconds of a batch inside one call of ours, and of the other sides between its batches."""
    _, model, x, y, *_ = case
    found: dict[str, Times] = {name: [] for name in (*others, "ours")}

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(rounds + WARM):
            for name, work in others.items():
                found[name].append(timed(work))
            start = now()
            yield x, y
            found["ours"].append(since(start))

    contributions(model, None, batches(), progress=False)
    return {name: seconds[WARM:] for name, seconds in found.items()}


def row(work: str, case: Case, sides: tuple[Times, Times], sign: str = "≤", reach: float | None = None):
    """One line of our seconds and the other side's: ``≤`` shows ours over the other's, ``≥`` the other's over ours."""
    ours, other = sides
    upper, lower = (ours, other) if sign == "≤" else (other, ours)
    ratio, processor = (a / b for a, b in zip(medians(upper), medians(lower), strict=True))
    reached = reach is not None and (ratio <= reach if sign == "≤" else ratio >= reach)
    return {
        "work": work,
        "network": case[0],
        "threads": torch.get_num_threads(),
        "ms": round(1e3 * medians(ours)[0], 3),
        "other ms": round(1e3 * medians(other)[0], 3),
        "ratio": round(ratio, 3),
        "of the best": round(min(upper)[0] / min(lower)[0], 3),
        "of processor time": round(processor, 3),
        "reach": "" if reach is None else f"{sign} {reach:g}",
        "reached": "" if reach is None else "yes" if reached else "no",
    }


def passes(case: Case, rounds: int) -> list[dict[str, Any]]:
    """A batch of ours over a plain step, and vmap(grad) and the loop over a batch of ours."""
    _, model, x, y, most, least = case
    model.eval()
    cheap = in_turn(case, rounds, {"forward": lambda: model(x), "plain": lambda: plain_step(model, x, y)})
    dear = in_turn(case, max(2, rounds // 6), {"vmap": by_vmap(model, x, y), "loop": lambda: by_loop(model, x, y)})
    wall, processor = medians(cheap["forward"])
    backward = [[(a - wall, b - processor) for a, b in cheap[side]] for side in ("ours", "plain")]
    return [
        row("a batch / plain step", case, (cheap["ours"], cheap["plain"]), "≤", most),
        row("a batch / plain step, backward", case, (backward[0], backward[1])),
        row("vmap(grad) / a batch", case, (dear["ours"], dear["vmap"]), "≥", least),
        row("loop of single passes / a batch", case, (dear["ours"], dear["loop"]), "≥"),
    ]


def whole_calls(case: Case, batches: int, rounds: int) -> list[dict[str, Any]]:
    """A whole call, with the proof on single samples, the model's fingerprint and its comparison, over plain steps."""
    _, model, x, y, *_ = case
    data = [(x, y)] * batches
    ours, plain = [], []
    for _ in range(rounds + 1):
        plain.append(timed(lambda: [plain_step(model, *batch) for batch in data]))
        ours.append(timed(lambda: contributions(model, None, data, progress=False)))
    return [row(f"a call of {batches} batches / plain steps", case, (ours[1:], plain[1:]))]


def main() -> None:
    """Measure, write the file and print the table."""
    chosen = options(__doc__)
    rounds, batches, calls = (2, 2, 1) if chosen.quick else (30, 12, 4)
    rows = []
    for threads in (1,) if chosen.quick else (1, 2):
        torch.set_num_threads(threads)
        for case in cases(chosen.quick):
            rows += passes(case, rounds)
            rows += whole_calls(case, batches, calls)
    store(chosen.out, "gradients", rows)
    print(table(rows))


if __name__ == "__main__":
    main()
