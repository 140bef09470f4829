"""The page's first chapter: what the network is."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from inscape.results import Context, Figure, Section

_BATCH = 512


def section(context: Context) -> Section:
    """Layers, parameters, units, the head that is peeled off, accuracy on the data, and how training went.

    Args:
        context: the page's context.

    Returns:
        The chapter.
    """
    network = context.network
    parameters = sum(int(p.numel()) for p in context.model.parameters())
    headline: dict[str, object] = {"parameters": parameters, "piecewise-linear units": int(network.units)}
    numbers: dict[str, object] = {
        "parameters": parameters,
        "units": int(network.units),
        "input_shape": list(network.input_shape),
        "output_shape": list(network.output_shape),
        "head": network.head,
    }
    accuracy = _accuracy(context)
    if accuracy is not None:
        headline["accuracy on the samples"] = f"{accuracy:.1%}"
        numbers |= {"accuracy": accuracy, "samples": len(context.x)}
    if context.history is not None:
        numbers["history"] = {name: np.asarray(values) for name, values in context.history.columns().items()}
    return Section(
        key="network",
        title="What the network is",
        paragraphs=_paragraphs(context, accuracy),
        figures=_figures(context),
        tables=[_layers(network.describe())],
        notes=_notes(network),
        numbers=numbers | {"headline": headline},
    )


def _accuracy(context: Context) -> float | None:
    """Share of right answers, None where the labels are no classes."""
    if context.x is None or context.y is None or len(context.x) == 0:
        return None
    labels = np.asarray(context.y.detach().cpu())
    if labels.ndim != 1 or labels.dtype.kind not in "iub":
        return None
    samples = np.asarray(context.x.detach().cpu(), dtype=np.float64)
    outputs = np.concatenate(
        [context.network.evaluate(samples[i : i + _BATCH]) for i in range(0, len(samples), _BATCH)]
    ).reshape(len(samples), -1)
    predicted = outputs.argmax(1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0).astype(int)
    return float((predicted == labels).mean())


def _size(shape: Sequence[int]) -> str:
    return " × ".join(str(size) for size in shape) or "1"


def _paragraphs(context: Context, accuracy: float | None) -> list[str]:
    network = context.network
    outputs = int(np.prod(network.output_shape))
    text = [
        f"{context.name} takes inputs of size {_size(network.input_shape)} and gives {outputs} "
        f"{'output' if outputs == 1 else 'outputs'}. It has {int(network.units):,} piecewise-linear units: each "
        "of them "
        "bends the function along a surface in the input space, and these surfaces are the borders of the "
        "linear regions."
    ]
    if accuracy is not None:
        where = f"{len(context.x):,} samples" + (f" of {context.data_name}" if context.data_name else "")
        text.append(f"On {where}, it names the right class for {accuracy:.1%}.")
    return text


def _layers(rows: Sequence[dict[str, Any]]) -> Any:
    from inscape.plotting import Table

    names = list(rows[0]) if rows else ["layer"]
    columns = {name: [_cell(row.get(name)) for row in rows] for name in names}
    return Table(columns=columns, caption="The layers in the order of evaluation; sizes are those of one sample.")


def _cell(value: object) -> object:
    return _size(value) if isinstance(value, list | tuple) else value


def _notes(network: Any) -> list[str]:
    if not network.head:
        return []
    return [
        f"The output passes through {network.head}. It is smooth and keeps the order of the classes, so it is "
        "taken off: "
        "the geometry on this page is that of its input, and the confidence applies it once."
    ]


def _figures(context: Context) -> list[Figure]:
    history = context.history
    if history is None:
        return []
    figures = [
        Figure(
            name="training-loss",
            info=history.info(),
            caption="The loss while training: means over each epoch, and on the test samples after it.",
        )
    ]
    if not np.isnan(history.accuracy).all():
        caption = "The share of right answers while training, and on the test samples after each epoch."
        figures.append(Figure(name="training-accuracy", info=history.info(which="accuracy"), caption=caption))
    return figures
