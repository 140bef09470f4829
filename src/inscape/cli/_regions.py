"""``inscape regions``: exact linear regions of a network on a box or a plane."""

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from inscape._errors import InputError
from inscape.cli._inputs import ModelOptions


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class DomainOptions:
    """Where the regions are counted, and what becomes of them.

    Attributes:
        low: lower corner of the box.
        high: upper corner of the box.
        plane: which plane through the data.
        max_cells: limit of the work.
        seed: seed of the choice of samples.
        out: file to write.
        json: whether the answer is JSON.
    """

    low: Annotated[str, Parameter(help="Lower corner of a box: one number, or all with commas, as in --low=-1,-1.")] = (
        ""
    )
    high: Annotated[str, Parameter(help="Upper corner of the box.")] = ""
    plane: Annotated[
        Literal["samples", "pca"], Parameter(help="With --data: through three samples, or the plane of most variance.")
    ] = "samples"
    max_cells: Annotated[int, Parameter(help="Stop at so many cells; the status says so.")] = 1_000_000
    seed: Annotated[int, Parameter(help="Seed of the choice of samples.")] = 0
    out: Annotated[
        Path | None, Parameter(name=["--out", "-o"], help="Save the result (.npz) or its picture (.png, .svg, .pdf).")
    ] = None
    json: Annotated[bool, Parameter(help="Answer with JSON on standard output.", negative=())] = False


def regions(
    model: Annotated[str, Parameter(help="A .pt2 or .onnx file, or package.module:factory.")],
    /,
    *,
    source: ModelOptions | None = None,
    options: DomainOptions | None = None,
) -> int:
    """Count and draw the exact linear regions of a network.

    The domain is a box (--low and --high), or a plane through samples (--data).

    Returns:
        The exit code.

    Raises:
        InputError: if the file to write has an unknown ending.
    """
    from inscape.cli._inputs import load_model
    from inscape.regions import partition

    source, options = source or ModelOptions(), options or DomainOptions()
    if options.out is not None and options.out.suffix not in {".npz", ".png", ".svg", ".pdf"}:
        raise InputError(f"expected -o to end in .npz, .png, .svg or .pdf, got {str(options.out)!r}")
    module = load_model(model, source.weights)
    network, domain, story = _domain(module, source, options)
    cells = partition(network, domain, max_cells=options.max_cells)
    _answer(cells, story, options)
    return 0


def _domain(module: Any, source: ModelOptions, options: DomainOptions) -> tuple[Any, Any, str]:
    """The network, the chart and a few words about it."""
    from inscape.cli._inputs import corner, load_data, read_model
    from inscape.geometry import Box
    from inscape.regions._views import planes
    from inscape.results import Context

    boxed = bool(options.low or options.high)
    if boxed == bool(source.data):
        raise InputError("expected either a box (--low and --high) or --data NAME, got both or neither")
    if boxed:
        if not (options.low and options.high):
            raise InputError("expected both --low and --high, got only one of them")
        network = read_model(module, None)
        size = prod(network.input_shape)
        low, high = corner("low", options.low, size), corner("high", options.high, size)
        return network, Box(low=low, high=high), f"box from {options.low} to {options.high}"
    x, y = load_data(source)
    network = read_model(module, x[:1])
    found = planes(Context(model=module, network=network, name="", x=x, y=y, seed=options.seed))
    if not found:
        raise InputError("the network has a single input, so there is no plane; give a box with --low and --high")
    chosen = next((view for view in found if view.key == options.plane), found[0])
    return network, chosen.plane, chosen.title[0].lower() + chosen.title[1:]


def _answer(cells: Any, story: str, options: DomainOptions) -> None:
    from inscape.cli._terminal import show_facts, write_json

    facts: dict[str, object] = {"where": story} | cells.facts() | {"status": str(cells.status)}
    if options.out is not None:
        facts["written"] = str(_written(cells, options.out))
    if options.json:
        counts = {"cells": int(cells.cell_count), "activation": int(cells.count("activation"))}
        write_json(facts | counts | {"verdict": cells.status.verdict.name.lower()})
    else:
        show_facts("Regions", facts)


def _written(cells: Any, path: Path) -> Path:
    if path.suffix == ".npz":
        return cells.save(path)
    from inscape.plotting import save_figure

    save_figure(cells.info(), path)
    return path
