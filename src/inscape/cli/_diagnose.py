"""``inscape diagnose``: which layer is sick, and why."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from inscape._errors import InputError
from inscape.cli._inputs import ModelOptions

_LOSSES = ("cross-entropy", "squared")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class DiagnoseOptions:
    """How the gradients are looked at.

    Attributes:
        loss: name of the loss, empty for the one that fits the labels.
        samples: how many samples are used at most.
        layer: the layer whose gradient the table and the picture account for.
        mode: how the model is run.
        seed: seed of the choice of samples.
        out: file for the figure or the result.
        json: whether the answer is JSON.
    """

    loss: Annotated[str, Parameter(help=f"Loss: {' or '.join(_LOSSES)}; the one that fits the labels without.")] = ""
    samples: Annotated[int, Parameter(help="Use at most so many samples of the data.")] = 1000
    layer: Annotated[
        str, Parameter(help="Account for the gradient of this layer (module path); the first without.")
    ] = ""
    mode: Annotated[
        Literal["auto", "eval", "train"],
        Parameter(help="auto, eval or train; auto uses batch statistics until batch normalisation has seen data."),
    ] = "auto"
    seed: Annotated[int, Parameter(help="Seed of the choice of samples.")] = 0
    out: Annotated[
        Path | None, Parameter(name=["--out", "-o"], help="Write the result (.npz), a table (.csv) or a picture.")
    ] = None
    json: Annotated[bool, Parameter(help="Answer with JSON on standard output.", negative=())] = False


def diagnose(
    model: Annotated[str, Parameter(help="A .pt2 or .onnx file, or package.module:factory.")],
    /,
    *,
    source: ModelOptions | None = None,
    options: DiagnoseOptions | None = None,
) -> int:
    """Say which layer keeps a network from training, why, and what to do.

    Returns:
        The exit code.
    """
    from inscape import gradients
    from inscape.cli._inputs import load_data, load_model, some_samples

    source, options = source or ModelOptions(), options or DiagnoseOptions()
    _check_out(options.out)
    loss = _loss(options.loss)
    module = load_model(model, source.weights)
    x, y = some_samples(*load_data(source), most=options.samples, seed=options.seed)
    found = gradients.diagnose(module, loss, (x, y), mode=options.mode)
    place = found.budget.layer(options.layer or 0)
    if options.out is not None:
        _write(found, place, options.out, name=Path(model).stem.rpartition(":")[2])
    _answer(found, place, options)
    return 0


def _loss(name: str) -> Any:
    from torch.nn import functional

    if name not in {"", *_LOSSES}:
        raise InputError(f"expected --loss as one of {', '.join(_LOSSES)}, got {name!r}")
    return {"": None, "cross-entropy": functional.cross_entropy, "squared": functional.mse_loss}[name]


def _check_out(out: Path | None) -> None:
    """A path without an ending is the folder of a page."""
    from inscape.cli._answers import PICTURES, check_ending
    from inscape.report import check_folder

    if out is None:
        return
    if out.suffix:
        check_ending(out, {".npz", ".csv", *PICTURES})
    else:
        check_folder(out)


def _write(found: Any, place: int, out: Path, *, name: str) -> None:
    from inscape.cli._answers import write_csv, write_picture
    from inscape.gradients import sections_of
    from inscape.report import write_sections

    if out.suffix == ".npz":
        found.save(out)
    elif out.suffix == ".csv":
        write_csv({name: values.tolist() for name, values in found.columns().items()}, out)
    elif out.suffix:
        write_picture(found.info(place), out)
    else:
        write_sections(
            sections_of(found),
            out=out,
            title=f"Diagnosis of {name}",
            subtitle="Where the error goes on its way back, which layer is sick, and why.",
        )


def _answer(found: Any, place: int, options: DiagnoseOptions) -> None:
    from inscape.cli._terminal import show_facts, show_table, write_json

    verdict, terms = found.verdict, found.budget.terms(place)
    layer = found.budget.layers[place]
    table: dict[str, list[Any]] = {
        "term": [name.rstrip() for name in terms],
        "what": [category for category, _ in terms.values()],
        "nats": [value for _, value in terms.values()],
    }
    if options.json:
        write_json(
            {
                "cause": verdict.cause.name.lower(),
                "layer": verdict.layer,
                "sentence": verdict.sentence,
                "suggestion": verdict.suggestion,
                "change": verdict.before,
                "change_after": verdict.after,
                "budget": {"layer": layer, "log_gradient": float(found.budget.log_gradient[place]), "terms": table},
                "refused": dict(found.budget.refused),
                "samples": found.budget.samples,
                "mode": found.budget.mode,
                "written": None if options.out is None else str(options.out),
            }
        )
        return
    shown = table | {"nats": [f"{value:+.2f}" for value in table["nats"]]}
    show_table(f"The gradient of layer {layer}, from the output on", shown)
    facts = found.facts() | {"status": str(found.status)}
    if options.out is not None:
        facts["written"] = str(options.out)
    show_facts("Diagnosis", facts)
