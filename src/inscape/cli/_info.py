"""``inscape info``: what a model or a result file holds."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from inscape.cli._inputs import ModelOptions


def info(
    model: Annotated[str, Parameter(help="A .pt2 or .onnx file, package.module:factory, or a result file (.npz).")],
    /,
    *,
    source: ModelOptions | None = None,
    shape: Annotated[str, Parameter(help="Shape of one sample, such as 1,28,28, if the model does not say it.")] = "",
    json: Annotated[bool, Parameter(help="Answer with JSON on standard output.", negative=())] = False,
) -> int:
    """Say what was read from a model and what can be exact about it, or what a result file holds.

    Returns:
        The exit code.
    """
    if model.endswith(".npz"):
        _result(Path(model), as_json=json)
    else:
        _model(model, source or ModelOptions(), shape, as_json=json)
    return 0


def _result(path: Path, *, as_json: bool) -> None:
    from inscape.cli._terminal import show_facts, write_json
    from inscape.results import load

    result = load(path)
    origin = result.provenance
    facts = {"kind": result.kind} | result.facts() | {"status": str(result.status)}
    made = {"made by": origin.function, "made on": origin.created, "seed": origin.seed}
    if as_json:
        write_json(facts | made | {"options": origin.options, "versions": origin.versions})
    else:
        show_facts(str(path), facts | made)


def _model(model: str, source: ModelOptions, shape: str, *, as_json: bool) -> None:
    from inscape.cli._inputs import load_model, read_model
    from inscape.cli._terminal import show_facts, show_table, write_json

    module = load_model(model, source.weights)
    network = read_model(module, _example(source, shape))
    facts: dict[str, object] = {
        "input": _size(network.input_shape),
        "output": _size(network.output_shape),
        "parameters": sum(int(p.numel()) for p in module.parameters()),
        "piecewise-linear units": int(network.units),
        "head taken off": network.head or "none",
        "exact regions": _exactness(network),
    }
    rows = network.describe()
    if as_json:
        write_json(facts | {"layers": rows})
        return
    show_table("Layers", {name: [_cell(row[name]) for row in rows] for name in rows[0]})
    show_facts(model, facts)


def _example(source: ModelOptions, shape: str) -> Any:
    from inscape.cli._inputs import load_data, sample_shape

    if source.data:
        return load_data(source)[0][:1]
    if shape:
        import torch

        return torch.zeros(1, *sample_shape(shape))
    return None


def _exactness(network: Any) -> str:
    from inscape._errors import UnsupportedLayerError

    try:
        network.require_piecewise_linear()
    except UnsupportedLayerError as error:
        return f"no: {error}"
    return "yes: every unit is piecewise linear"


def _size(shape: Any) -> str:
    return " × ".join(map(str, shape)) or "1"


def _cell(value: object) -> object:
    return _size(value) if isinstance(value, list | tuple) else value
