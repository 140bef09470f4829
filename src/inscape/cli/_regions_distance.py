"""``inscape regions distance``: how far samples are from the decision boundary."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from inscape._errors import InputError
from inscape.cli._answers import PICTURES, answer, check_ending, pair, write_csv
from inscape.cli._inputs import ModelOptions


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class DistanceOptions:
    """What is measured, where, and for how long.

    Attributes:
        norm: 1, 2 or inf.
        samples: how many samples at most.
        timeout: seconds for each sample.
        max_cells: families of regions for each sample.
        low: lower corner of the box in which the nearest point lies.
        high: upper corner of the box.
        between: two classes.
        seed: seed of the choice of samples.
        out: file to write.
        json: whether the answer is JSON.
    """

    norm: Annotated[Literal["1", "2", "inf"], Parameter(help="Norm of the distance.")] = "2"
    samples: Annotated[int, Parameter(help="Measure at most so many samples of the data.")] = 20
    timeout: Annotated[float, Parameter(help="Seconds for each sample; the bounds so far are kept.")] = 10.0
    max_cells: Annotated[int, Parameter(help="Families of regions that are examined for each sample.")] = 100_000
    low: Annotated[
        str, Parameter(help="The nearest point has to lie in a box: its lower corner, one number or all with commas.")
    ] = ""
    high: Annotated[str, Parameter(help="Upper corner of that box.")] = ""
    between: Annotated[str, Parameter(help="Two classes, such as 3,8: where their outputs are equal.")] = ""
    seed: Annotated[int, Parameter(help="Seed of the choice of samples.")] = 0
    out: Annotated[
        Path | None,
        Parameter(name=["--out", "-o"], help="File to write: .npz, .csv, or a picture (.png, .svg, .html)."),
    ] = None
    json: Annotated[bool, Parameter(help="Answer with JSON on standard output.", negative=())] = False


def distance(
    model: Annotated[str, Parameter(help="A .pt2 or .onnx file, or package.module:factory.")],
    /,
    *,
    source: ModelOptions | None = None,
    options: DistanceOptions | None = None,
) -> int:
    """Enclose the distances of samples to the decision boundary from both sides.

    Returns:
        The exit code.
    """
    from inscape.cli._inputs import load_data, load_model, read_model, some_samples
    from inscape.cli._terminal import show_table
    from inscape.regions import distance as measure

    source, options = source or ModelOptions(), options or DistanceOptions()
    check_ending(options.out, {".npz", ".csv", *PICTURES})
    module = load_model(model, source.weights)
    x, y = load_data(source)
    network = read_model(module, x[:1])
    kept, labels = some_samples(_numbers(x), y, most=options.samples, seed=options.seed)
    found = measure(
        network,
        x[kept],
        float(options.norm),
        between=pair(options.between),
        domain=_box(options, prod(network.input_shape)),
        max_cells=options.max_cells,
        timeout=options.timeout,
    )
    table = _table(found, kept.tolist(), labels.tolist())
    facts = found.facts() | {"status": str(found.status)}
    out = options.out
    if out is not None and out.suffix == ".csv":
        write_csv(table, out)
        facts, out = facts | {"written": str(out)}, None
    if options.json:
        facts |= {"verdict": found.status.verdict.name.lower(), "table": table}
    else:
        show_table(f"Distances of samples of {source.data} to the decision boundary", table)
    answer("Distances", facts, found, out, as_json=options.json)
    return 0


def _numbers(x: Any) -> Any:
    """(n,) positions of the samples in the data."""
    import numpy as np

    return np.arange(len(x))


def _box(options: DistanceOptions, size: int) -> Any:
    """The box in which the nearest points lie, or None."""
    from inscape.cli._inputs import corner
    from inscape.geometry import Box

    if not (options.low or options.high):
        return None
    if not (options.low and options.high):
        raise InputError("expected both --low and --high, got only one of them")
    return Box(low=corner("low", options.low, size), high=corner("high", options.high, size))


def _table(found: Any, kept: Sequence[int], labels: Sequence[object]) -> dict[str, list[object]]:
    """One row for each sample: what it is, what the network says, what it meets, and how far away."""
    columns = found.columns()
    there = [other >= 0 for other in columns["other"].tolist()]
    return {
        "sample": list(kept),
        "label": list(labels),
        "class": [one if known else None for one, known in zip(columns["class"].tolist(), there, strict=True)],
        "meets": [one if known else None for one, known in zip(columns["other"].tolist(), there, strict=True)],
        "at least": columns["lower"].tolist(),
        "at most": columns["upper"].tolist(),
        "certified": columns["certified"].tolist(),
    }
