"""``inscape regions``: exact linear regions of a network on a box or a plane, their boundary and their number."""

import sys
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from inscape._errors import InputError
from inscape.cli._answers import PICTURES, answer, check_ending, pair, say, write_csv, write_picture
from inscape.cli._inputs import ModelOptions

_Model = Annotated[str, Parameter(help="A .pt2 or .onnx file, or package.module:factory.")]

_AFFINE_CELLS = 100_000
"""Cells up to which affine maps are compared."""


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
        Path | None, Parameter(name=["--out", "-o"], help="File to write; its ending says what: see the command.")
    ] = None
    json: Annotated[bool, Parameter(help="Answer with JSON on standard output.", negative=())] = False


def count(
    model: _Model,
    /,
    *,
    source: ModelOptions | None = None,
    options: DomainOptions | None = None,
) -> int:
    """Count the exact linear regions of a network on a domain.

    Returns:
        The exit code.
    """
    options = options or DomainOptions()
    check_ending(options.out, {".npz", ".csv", ".graphml", ".ine", *PICTURES})
    cells, story = _cells(model, source, options)
    facts = {"where": story} | cells.facts() | {"status": str(cells.status)}
    counts = {"cells": int(cells.cell_count), "activation": int(cells.count("activation"))}
    if cells.cell_count <= _AFFINE_CELLS:
        counts |= {"affine": int(cells.count("affine")), "connected": int(cells.count("connected"))}
    answer(
        "Regions",
        facts | counts | {"verdict": cells.status.verdict.name.lower()},
        cells,
        options.out,
        as_json=options.json,
    )
    return 0


def plot(
    model: _Model,
    /,
    *,
    source: ModelOptions | None = None,
    options: DomainOptions | None = None,
) -> int:
    """Draw the regions of a plane, coloured by class, with the decision boundary; in space the boundary alone.

    Returns:
        The exit code.

    Raises:
        InputError: if there is no file to write, or the domain has no picture.
    """
    options = options or DomainOptions()
    if options.out is None:
        raise InputError("expected a file for the picture: -o FILE.png, .svg or .html")
    check_ending(options.out, PICTURES)
    network, domain, story = _domain(model, source, options)
    if domain.dimension > 3:
        raise InputError(
            f"a box of dimension {domain.dimension} has no picture; write --data NAME for a plane through samples"
        )
    cells = _partition(network, domain, options)
    write_picture(_drawn(network, cells, options), options.out)
    facts = {"where": story, "cells": cells.cell_count, "status": str(cells.status), "written": str(options.out)}
    say("Picture", facts, as_json=options.json)
    return 0


def boundary(
    model: _Model,
    /,
    *,
    source: ModelOptions | None = None,
    options: DomainOptions | None = None,
    between: Annotated[str, Parameter(help="Two classes, such as 3,8: where their outputs are equal.")] = "",
    level: Annotated[float, Parameter(help="For one output: the value at which the class changes.")] = 0.0,
) -> int:
    """Find the decision boundary on a domain: size, pieces, and topology.

    Returns:
        The exit code.
    """
    from inscape.regions import boundary as find

    options = options or DomainOptions()
    check_ending(options.out, {".npz", ".csv", *PICTURES})
    network, domain, story = _domain(model, source, options)
    found = find(network, domain, between=pair(between), level=level, max_cells=options.max_cells)
    answer(
        "Boundary",
        {"where": story} | found.facts() | {"status": str(found.status)},
        found,
        options.out,
        as_json=options.json,
    )
    return 0


def bounds(
    model: _Model,
    /,
    *,
    source: ModelOptions | None = None,
    options: DomainOptions | None = None,
    points: Annotated[int, Parameter(help="Random points from whose patterns the number is estimated.")] = 2000,
) -> int:
    """Set the exact count on a domain beside every bound, scale and estimate for a network of this shape.

    Returns:
        The exit code.
    """
    from inscape.cli._terminal import show_table, write_json
    from inscape.regions._compare import comparison
    from inscape.regions._sample import sample_regions

    options = options or DomainOptions()
    check_ending(options.out, {".csv"})
    network, domain, story = _domain(model, source, options)
    sample = sample_regions(network, domain, samples=points, rng=options.seed)
    table, notes = comparison(network, _partition(network, domain, options), sample)
    if options.out is not None:
        write_csv(table, options.out)
    if options.json:
        write_json({"where": story, "table": table, "notes": notes, "sample": asdict(sample)})
        return 0
    show_table(f"Regions on the {story}", table)
    for note in notes:
        sys.stdout.write(f"{note}\n")
    return 0


def verify(
    model: _Model,
    /,
    *,
    source: ModelOptions | None = None,
    options: DomainOptions | None = None,
    points: Annotated[int, Parameter(help="Random points that are compared with a forward pass.")] = 1000,
) -> int:
    """Cut a domain, and audit the cells against independent computations; exit code 1 if something is wrong.

    Returns:
        The exit code.
    """
    options = options or DomainOptions()
    check_ending(options.out, {".npz"})
    cells, story = _cells(model, source, options)
    found = cells.verify(points=points, rng=options.seed)
    facts = {"where": story, "cells": cells.cell_count} | found.facts() | {"status of the cells": str(cells.status)}
    answer("Audit", facts, found, options.out, as_json=options.json)
    return 0 if found.passed else 1


def _drawn(network: Any, cells: Any, options: DomainOptions) -> Any:
    """Pieces of a line, areas of a plane, or the boundary as a surface in space."""
    from inscape.regions import boundary
    from inscape.regions._draw import class_map

    if cells.dimension == 1:
        return cells.info()
    found = boundary(network, cells.domain, max_cells=options.max_cells)
    return class_map(cells, found) if cells.dimension == 2 else found.info()


def _cells(model: str, source: ModelOptions | None, options: DomainOptions) -> tuple[Any, str]:
    network, domain, story = _domain(model, source, options)
    return _partition(network, domain, options), story


def _partition(network: Any, domain: Any, options: DomainOptions) -> Any:
    from inscape.regions import partition

    return partition(network, domain, max_cells=options.max_cells)


def _domain(model: str, source: ModelOptions | None, options: DomainOptions) -> tuple[Any, Any, str]:
    """The network, the chart and a few words about it."""
    from inscape.cli._inputs import corner, load_data, load_model, read_model
    from inscape.geometry import Box
    from inscape.regions._views import planes
    from inscape.results import Context

    source = source or ModelOptions()
    module = load_model(model, source.weights)
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
