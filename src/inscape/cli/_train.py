"""``inscape train``: a small network on a data set."""

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from inscape._errors import InputError
from inscape.cli._inputs import ModelOptions


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """How the network is trained.

    Attributes:
        epochs: passes through the data.
        batch_size: samples per step.
        learning_rate: step size.
        weight_decay: weight decay.
        optimizer: name of the optimizer.
        test_share: share of the samples that is held out.
        seed: seed of the initial weights, the split and the order of the samples.
        checkpoint: file to go on from and to write after each epoch.
        json: whether the answer is JSON.
    """

    epochs: Annotated[int, Parameter(help="Passes through the data, in all.")] = 20
    batch_size: Annotated[int, Parameter(help="Samples per step.")] = 64
    learning_rate: Annotated[float, Parameter(help="Step size.")] = 1e-3
    weight_decay: Annotated[float, Parameter(help="Weight decay.")] = 0.0
    optimizer: Annotated[str, Parameter(help="adam, adamw or sgd.")] = "adam"
    test_share: Annotated[float, Parameter(help="Share of the samples held out for testing.")] = 0.2
    seed: Annotated[int, Parameter(help="Seed of weights, split and order of the samples.")] = 0
    checkpoint: Annotated[
        Path | None, Parameter(help="Go on from this file if it exists, and write it after each epoch.")
    ] = None
    json: Annotated[bool, Parameter(help="Answer with JSON on standard output.", negative=())] = False


def train(
    model: Annotated[str, Parameter(help="mlp:WIDTH,WIDTH (hidden layers), small-convnet or package.module:factory.")],
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="File to write: .pt2, .safetensors or .pt.")],
    source: ModelOptions | None = None,
    options: TrainOptions | None = None,
) -> int:
    """Train a network and save it, with its history beside it (NAME.history.npz).

    With --checkpoint a run that was interrupted goes on where it stopped.

    Returns:
        The exit code.
    """
    from inscape import data, training
    from inscape.cli._inputs import load_data
    from inscape.cli._saving import check_model_path, save_model

    source, options = source or ModelOptions(), options or TrainOptions()
    check_model_path(out)
    x, y = load_data(source)
    kept, held_out = data.split(x, y, test=options.test_share, rng=options.seed)
    recipe = training.Recipe(
        batch_size=options.batch_size,
        optimizer=options.optimizer,
        learning_rate=options.learning_rate,
        weight_decay=options.weight_decay,
        rng=options.seed,
    )
    module = _built(model, x, y, source.weights, options.seed)
    done = training.fit(
        module, kept, epochs=options.epochs, recipe=recipe, test=held_out, checkpoint=options.checkpoint
    )
    save_model(done.model, x, out)
    history = done.history.save(out.with_suffix(".history.npz"))
    _answer(done.history, {"model": str(out), "history": str(history)}, as_json=options.json)
    return 0


def _answer(history: Any, files: dict[str, str], *, as_json: bool) -> None:
    from inscape.cli._terminal import show_facts, write_json

    if as_json:
        write_json(files | {"status": str(history.status)} | history.facts())
    else:
        show_facts("Trained", history.facts() | {"status": str(history.status)} | files)


def _built(name: str, x: Any, y: Any, weights: Path | None, seed: int) -> Any:
    from torch import nn

    from inscape.cli._inputs import load_model
    from inscape.training import mlp, small_convnet

    classes = 1 if y.is_floating_point() else int(y.max()) + 1
    if name == "small-convnet":
        return small_convnet(classes=classes, rng=seed)
    if name == "mlp" or name.startswith("mlp:"):
        net = mlp([prod(x.shape[1:]), *_widths(name), classes], rng=seed)
        return net if x.ndim == 2 else nn.Sequential(nn.Flatten(), *net)
    return load_model(name, weights)


def _widths(name: str) -> list[int]:
    text = name.partition(":")[2]
    parts = [part.strip() for part in text.split(",")] if text else ["32", "32"]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise InputError(f"expected mlp: and the widths of the hidden layers, such as mlp:64,64, got {name!r}")
    return [int(part) for part in parts]
