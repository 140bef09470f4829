"""``inscape compile``: from shapes to a network."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from inscape._errors import InputError

_RESULT, _MODEL, _PICTURES = ".npz", ".pt2", (".png", ".svg")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class CompileOptions:
    """What kind of network is built, and what is written besides.

    Attributes:
        activation: relu or sigmoid.
        margin: distance from the faces at which a sigmoid network must be right.
        map: picture of the confidence.
        verify: whether the network is held against the shapes.
        json: whether the answer is JSON.
    """

    activation: Annotated[
        Literal["sigmoid", "relu"], Parameter(help="sigmoid: soft gates; relu: the shapes exactly.")
    ] = "sigmoid"
    margin: Annotated[
        float | None, Parameter(help="Distance from the faces at which a sigmoid network must be right.")
    ] = None
    map: Annotated[Path | None, Parameter(help="Picture of the confidence (.png or .svg), for two inputs.")] = None
    verify: Annotated[bool, Parameter(help="Hold the network against the shapes.", negative=())] = False
    json: Annotated[bool, Parameter(help="Answer with JSON on standard output.", negative=())] = False


def compile_shapes(
    shapes: Annotated[Path, Parameter(help="A JSON file with polygons, boxes or half-spaces.")],
    /,
    *,
    scale: Annotated[float, Parameter(help="Slope at the faces, in output units per input unit.")],
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="File to write: the model (.pt2) or the result (.npz).")],
    options: CompileOptions | None = None,
) -> int:
    """Build a network whose decision regions are given shapes, and certify it.

    Returns:
        The exit code.

    Raises:
        InputError: if a file to write has an unknown ending.
    """
    from inscape.regions import build, read_shapes

    options = options or CompileOptions()
    if out.suffix not in {_MODEL, _RESULT}:
        raise InputError(f"expected -o to end in {_MODEL} or {_RESULT}, got {str(out)!r}")
    if options.map is not None and options.map.suffix not in _PICTURES:
        raise InputError(f"expected --map to end in {' or '.join(_PICTURES)}, got {str(options.map)!r}")
    found, rest = read_shapes(shapes)
    built = build(found, scale, activation=options.activation, margin=options.margin, rest=rest)
    drawn = None if options.map is None else built.info()
    facts: dict[str, object] = built.facts() | {"status": str(built.status)}
    if options.verify:
        seen = built.verify()
        facts |= {f"check: {name}": value for name, value in seen.facts().items()} | {"check": str(seen.status)}
    facts |= _written(built, out, drawn, options.map)
    _answer(built, facts, as_json=options.json)
    return 0


def _written(built: Any, out: Path, drawn: Any, picture: Path | None) -> dict[str, object]:
    """Write the files; their names for the answer."""
    files: dict[str, object] = {}
    if out.suffix == _RESULT:
        files["result"] = str(built.save(out))
    else:
        import torch

        from inscape.cli._saving import check_model_path, save_model

        check_model_path(out)
        save_model(built.model, torch.zeros(1, built.dimension, dtype=torch.float64), out)
        files["model"] = str(out)
    if picture is not None:
        from inscape.plotting import save_figure

        files["map"] = str(save_figure(drawn, picture))
    return files


def _answer(built: Any, facts: dict[str, object], *, as_json: bool) -> None:
    from inscape.cli._terminal import show_facts, write_json

    if not as_json:
        show_facts("Built", facts)
        return
    promise = built.certificate()
    numbers = {
        "classes": list(built.names),
        "scale": built.scale,
        "margin": promise.margin,
        "confidence": promise.confidence,
        "verdict": built.status.verdict.name.lower(),
    }
    write_json(facts | numbers)
