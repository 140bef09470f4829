"""What the parts of the study of geometry measure; each function trains or makes one MLP and returns numbers."""

from copy import deepcopy
from math import isfinite, log, sqrt
from typing import Any

import numpy as np

INITIALISATIONS = ("default", "Xavier", "He")
"""Ways to draw weights: torch's own, and two that keep the size of signals in linear and in ReLU networks."""

GAINS = {"default": 0.5 * log(1 / 3), "Xavier": 0.0, "He": 0.5 * log(2)}
"""Nats that a square layer adds to the gradient on average, ½ ln(n · variance of its weights)."""

LEVELS = tuple(i / 20 for i in range(21))
"""Levels of the quantiles over units."""

_WIDTH = 64


def samples_of(name: str, *, count: int | None = None) -> tuple[Any, Any]:
    """Training and held-out samples; images as flat rows.

    Args:
        name: data set on board.
        count: training samples, None for all.

    Returns:
        Two pairs of tensors.
    """
    from inscape.data import load, split

    (x, y), (u, v) = split(*load(name), test=0.2, rng=0)
    return (x[:count].flatten(1), y[:count]), (u.flatten(1), v)


def network(sizes: list[int], activation: str, *, start: str, rng: int) -> Any:
    """An MLP with weights drawn in a given way; biases are as torch draws them, whatever the weights are.

    Args:
        sizes: widths from the input to the output.
        activation: as for :func:`inscape.training.mlp`.
        start: one of ``INITIALISATIONS``.
        rng: seed.

    Returns:
        The module.
    """
    import torch

    from inscape._rng import generator
    from inscape.training import mlp

    model: Any = mlp(sizes, activation=activation, rng=rng)  # He's normal weights
    if start == "He":
        return model
    source = generator(rng)
    with torch.no_grad():
        for layer in model[::2]:
            rows, columns = layer.weight.shape
            if start == "Xavier":
                drawn = source.standard_normal((rows, columns)) * sqrt(2 / (rows + columns))
            else:
                drawn = source.uniform(-1, 1, (rows, columns)) / sqrt(columns)
            layer.weight.copy_(torch.from_numpy(drawn))
    return model


def training(
    activation: str, depth: int, *, decay: float, samples: int | None, epochs: int, rng: int
) -> dict[str, Any]:
    """Units and gradients on the training samples, while AdamW trains.

    Args:
        activation: activation of the hidden layers.
        depth: hidden layers.
        decay: weight decay.
        samples: training samples, None for all.
        epochs: passes through them.
        rng: seed.

    Returns:
        One list a quantity, one number a record. ``first`` and ``last`` are the ends of the network: hidden layers for
        units (medians over them), layers with a weight for the coherence.
    """
    from inscape import gradients
    from inscape.training import Recipe, accuracy, fit

    kept, held_out = samples_of("digits", count=samples)
    model = network(_sizes(64, depth), activation, start="He", rng=rng)
    tracker = gradients.track(data=kept, every=max(1, epochs // 30), batch_size=2048)
    recipe = Recipe(optimizer="adamw", learning_rate=1e-2, weight_decay=decay, rng=rng)
    done = fit(model, kept, epochs=epochs, recipe=recipe, test=held_out, recorder=tracker, progress=False)
    found = tracker.result()
    at = found.epochs
    tested = [accuracy(model, held_out), *done.history.test_accuracy]
    middle = list(found.levels).index(0.5)
    lists = {"epochs": at, "accuracy": np.array(tested)[at], "unsupported": found.unsupported_share}
    for name in ("kappa", "occupancy", "effective"):
        values = getattr(found, name)[:, :, middle]
        lists |= {f"{name}_first": values[:, 0], f"{name}_last": values[:, -1]}
    lists |= {"coherence_first": found.coherence[:, 0], "coherence_last": found.coherence[:, -1]}
    return {name: _plain(values) for name, values in lists.items()} | {"samples": len(kept[0])}


def scale(activation: str, depth: int, *, exponents: list[int], epochs: int, rng: int) -> dict[str, Any]:
    """One network of little training, with its first layer at other scales; the hyperplanes stay.

    Args:
        activation: activation of the hidden layers, which saturates on both sides.
        depth: hidden layers.
        exponents: scales, as powers of 2.
        epochs: passes in which the first layer is trained alone.
        rng: seed.

    Returns:
        One list a quantity, one number a scale; ``critical`` holds quantiles over the units at the levels ``LEVELS``.
        Names that end in ``fixed`` are of SGD with one step size for all scales, those in ``relative`` of Adam with
        steps in proportion to the scale. Turns are angles in degrees between the rows (w, b) before and after.
    """
    from inscape.training import Recipe, fit

    kept, held_out = samples_of("digits")
    fresh = network(_sizes(64, depth), activation, start="He", rng=rng)
    recipe = Recipe(optimizer="adamw", learning_rate=3e-3, rng=rng)
    model: Any = fit(fresh, kept, epochs=2, recipe=recipe, progress=False).model
    rows = [_scaled(model, 2.0**k, kept, held_out, epochs=epochs, rng=rng) for k in exponents]
    found = {name: _plain(np.array([row[name] for row in rows])) for name in rows[0]}
    return found | {"exponents": list(exponents), "critical": critical_scales(model, kept), "samples": len(kept[0])}


def critical_scales(model: Any, data: Any) -> list[float | None]:
    """Quantiles over the first layer's units of the critical scale.

    Args:
        model: an MLP.
        data: samples.

    Returns:
        One number a level of ``LEVELS``.
    """
    from inscape.gradients import support

    found = support(model[:2], data, progress=False).critical
    return _plain(np.nanquantile(found, LEVELS))


def _scaled(model: Any, factor: float, kept: Any, held_out: Any, *, epochs: int, rng: int) -> dict[str, float]:
    import torch
    from scipy.stats import spearmanr

    from inscape import gradients
    from inscape.training import Recipe, accuracy, fit

    copy = deepcopy(model)
    with torch.no_grad():
        copy[0].weight.mul_(factor)
        copy[0].bias.mul_(factor)
    units = gradients.support(copy[:2], kept, progress=False)
    tracker = gradients.track(data=kept, batch_size=2048)
    tracker.record(copy, 0)
    record = tracker.result()
    found = {
        "effective": float(np.median(units.effective)),
        "unsupported": float(units.unsupported.mean()),
        "asymptote": float(np.median(units.asymptote)),
        "kappa": float(np.median(units.kappa)),
        "norm": float(record.norm[0, 0]),
        "coherence": float(record.coherence[0, 0]),
        "accuracy": accuracy(copy, held_out),
    }
    for parameter in copy[1:].parameters():
        parameter.requires_grad_(False)
    recipes = {
        "fixed": Recipe(optimizer="sgd", learning_rate=0.05, rng=rng),
        "relative": Recipe(optimizer="adam", learning_rate=1e-3 * factor, rng=rng),
    }
    for name, recipe in recipes.items():
        done = fit(copy, kept, epochs=epochs, recipe=recipe, progress=False)
        moved: Any = done.model
        angle = turns(copy[0], moved[0])
        order: Any = spearmanr(units.effective, angle) if np.ptp(units.effective) > 0 else None
        found |= {
            f"gain_{name}": accuracy(done.model, held_out) - found["accuracy"],
            f"loss_{name}": float(done.history.loss[-1]),
            f"turn_{name}": float(np.median(angle)),
            f"rank_{name}": np.nan if order is None else float(order.statistic),
        }
    return found


def turns(before: Any, after: Any) -> np.ndarray:
    """How far each hyperplane of a layer has turned.

    Args:
        before: a linear layer.
        after: the same later.

    Returns:
        (units,) angles in degrees between the rows (w, b).
    """
    ends = []
    for layer in (before, after):
        rows = np.column_stack([layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()])
        ends.append(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    halves = np.linalg.norm(ends[1] - ends[0], axis=1) / 2  # the arc sine of half the chord is exact at small angles
    return np.degrees(2 * np.arcsin(np.minimum(halves, 1.0)))


def activation(name: str, depth: int, *, epochs: int, rng: int) -> dict[str, Any]:
    """Occupancy, gates and the budget's change before and after training on the digits of MNIST.

    Args:
        name: the activation.
        depth: hidden layers.
        epochs: passes through the data.
        rng: seed; equal for all activations where the caller gives the same.

    Returns:
        Numbers, and lists with a number a hidden layer; names that end in ``_before`` are of the untrained network.
    """
    from inscape.training import Recipe, accuracy, fit

    kept, held_out = samples_of("mnist5k")
    model = network(_sizes(784, depth), name, start="He", rng=rng)
    recipe = Recipe(optimizer="adamw", learning_rate=3e-3, weight_decay=1e-2, rng=rng)
    done = fit(model, kept, epochs=epochs, recipe=recipe, progress=False).model
    before = {f"{key}_before": value for key, value in flow(model, kept).items()}
    occupancies = {"occupancy": occupancy(done, kept), "occupancy_before": occupancy(model, kept)}
    return flow(done, kept) | before | occupancies | {"accuracy": accuracy(done, held_out)}


def initialisation(activation: str, depth: int, *, start: str, epochs: int, rng: int) -> dict[str, Any]:
    """A network at step 0, and how fast SGD trains it.

    Args:
        activation: activation of the hidden layers.
        depth: hidden layers.
        start: one of ``INITIALISATIONS``, or ``"rescaled"`` for torch's own weights scaled to the data.
        epochs: passes through the data.
        rng: seed.

    Returns:
        The numbers of :func:`flow`, medians of κ and occupancy and the share of hyperplanes outside the data a hidden
        layer, and the accuracy on held-out samples before training and after each epoch.
    """
    from inscape.gradients import audit, rescaled
    from inscape.training import Recipe, accuracy, fit

    kept, held_out = samples_of("digits")
    model = network(_sizes(64, depth), activation, start="default" if start == "rescaled" else start, rng=rng)
    if start == "rescaled":
        model = rescaled(model, kept, progress=False).model
    found = audit(model, kept, progress=False)
    recipe = Recipe(optimizer="sgd", learning_rate=0.05, rng=rng)
    done = fit(model, kept, epochs=epochs, recipe=recipe, test=held_out, progress=False)
    return flow(model, kept) | {
        "kappa": _plain(found.kappa),
        "occupancy": _plain(found.occupancy),
        "outside": outside(model, kept[0]),
        "accuracy": _plain(np.array([accuracy(model, held_out), *done.history.test_accuracy])),
    }


def depth(activation: str, count: int, *, start: str, rng: int) -> dict[str, Any]:
    """The budget of an untrained network.

    Args:
        activation: activation of the hidden layers.
        count: hidden layers.
        start: one of ``INITIALISATIONS``.
        rng: seed.

    Returns:
        The numbers of :func:`flow`.
    """
    return flow(network(_sizes(64, count), activation, start=start, rng=rng), samples_of("digits")[0])


def flow(model: Any, data: Any) -> dict[str, Any]:
    """The budget of the first layer's gradient, in nats.

    Args:
        model: an MLP.
        data: samples.

    Returns:
        Change from the output to the first layer, logarithm of its gradient, and lists from the first hidden layer on:
        gates of activations, what they are where nothing is wrong, and gains of the weights behind them.
    """
    from inscape.gradients import budget

    found = budget(model, None, data, progress=False)
    gates = np.array([category == "activation gate" for category in found.categories])
    gains = np.array([category == "weight gain" for category in found.categories])
    return {
        "change": _number(found.change),
        "gradient": _number(float(found.log_gradient[0])),
        "gates": _plain(found.values[gates][::-1]),
        "references": _plain(found.references[gates][::-1]),
        "gains": _plain(found.values[gains][::-1]),
    }


def occupancy(model: Any, data: Any) -> list[float | None]:
    """Median occupancy of the units of each hidden layer.

    Args:
        model: an MLP.
        data: samples.

    Returns:
        One number a layer.
    """
    from inscape.gradients import slabs

    found = slabs(model, data, progress=False)
    return _plain(np.array([np.median(found.occupancy[found.layer == i]) for i in range(len(found.layers))]))


def outside(model: Any, x: Any) -> list[float]:
    """Share of the hyperplanes of each hidden layer that all samples lie on one side of.

    Args:
        model: an MLP.
        x: (n, inputs) samples.

    Returns:
        One number a layer.
    """
    import torch

    shares = []
    with torch.no_grad():
        for index, layer in enumerate(model[:-1]):
            x = layer(x)
            if index % 2 == 0:
                shares.append(float(((x > 0).all(0) | (x <= 0).all(0)).double().mean()))
    return shares


def _sizes(inputs: int, depth: int) -> list[int]:
    return [inputs, *[_WIDTH] * depth, 10]


def _number(value: float) -> float | None:
    return value if isfinite(value) else None


def _plain(values: np.ndarray) -> list[Any]:
    """A list for the ledger; None stands for what is not defined."""
    return [value if isfinite(value) else None for value in values.tolist()]
