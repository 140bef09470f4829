"""How regions, accuracy and the decision boundary grow with width and depth."""

import time
from math import prod
from typing import Any

from inscape.runs import grid

_WINDOW = {"digits": 1.0, "mnist5k": 0.5}
"""Share of the window of the plane through the data that is cut; the planes of conv nets are rich."""

MOST = 1_000_000
"""Cells at which counting stops."""


def tasks(*, quick: bool) -> list[dict[str, Any]]:
    """Networks to train: MLPs by width and depth, and the small conv net beside them.

    Args:
        quick: fewer of them, and shorter training.

    Returns:
        One task a network and seed.
    """
    if quick:
        mlps = grid(network=["MLP"], data=["digits"], width=[8, 16, 32], depth=[1, 2], epochs=[10], repeats=3)
        return mlps + grid(network=["conv net"], data=["mnist5k"], width=[None], depth=[None], epochs=[2], repeats=2)
    mlps = grid(
        network=["MLP"], data=["digits"], width=[8, 16, 32, 64, 128], depth=[1, 2, 3, 4], epochs=[20], repeats=5
    )
    return mlps + grid(network=["conv net"], data=["mnist5k"], width=[None], depth=[None], epochs=[8], repeats=5)


def capacity(*, network: str, data: str, width: int | None, depth: int | None, epochs: int, rng: int) -> dict[str, Any]:
    """Train one network and measure it on the plane along which the data differ most.

    Args:
        network: ``"MLP"`` or ``"conv net"``.
        data: data set on board.
        width: units of each hidden layer of an MLP.
        depth: hidden layers of an MLP.
        epochs: passes through the data.
        rng: seed of initial weights and of the order of samples; the split of the data is always the same.

    Returns:
        Units, parameters, cells before and after training, what was predicted for them, boundary length in input
        units, accuracies, losses, and what the counts are worth.
    """
    from inscape import training
    from inscape.data import load, split
    from inscape.network import read
    from inscape.regions import Plane, boundary, partition, predict_cells

    kept, held_out = split(*load(data), test=0.2, rng=0)
    plane = Plane.pca(kept[0].numpy()).resized(_WINDOW[data])
    model = _built(network, prod(kept[0].shape[1:]), width, depth, rng)
    begin = time.perf_counter()
    before = partition(model, plane, max_cells=MOST, progress=False)
    recipe = training.Recipe(optimizer="adamw", learning_rate=3e-3, weight_decay=1e-2, scheduler="cosine", rng=rng)
    done = training.fit(model, kept, epochs=epochs, recipe=recipe, test=held_out, progress=False)
    trained = time.perf_counter()
    after = partition(done.model, plane, max_cells=MOST, progress=False)
    edge = boundary(done.model, plane, max_cells=MOST, progress=False)
    return {
        "units": int(read(done.model, example=held_out[0][:1]).units),
        "parameters": sum(p.numel() for p in model.parameters()),
        "cells": after.count("activation"),
        "cells_untrained": before.count("activation"),
        "predicted": float(predict_cells(done.model, plane, rng=0).cells),
        "boundary": edge.length,
        "area": float(prod(plane.high - plane.low)),
        "train_accuracy": training.accuracy(done.model, kept),
        "test_accuracy": training.accuracy(done.model, held_out),
        "loss": float(done.history.loss[-1]),
        "test_loss": float(done.history.test_loss[-1]),
        "status": after.status.verdict.name.lower(),
        "boundary_status": edge.status.verdict.name.lower(),
        "uncertain": after.status.count,
        "training_seconds": trained - begin,
        "geometry_seconds": time.perf_counter() - trained,
    }


def _built(network: str, inputs: int, width: int | None, depth: int | None, rng: int) -> Any:
    from inscape.training import mlp, small_convnet

    if network == "conv net":
        return small_convnet(rng=rng)
    return mlp([inputs, *[int(width or 1)] * int(depth or 1), 10], rng=rng)
