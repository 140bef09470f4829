"""``inscape demo``: the main job, a report on networks trained on real data."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter


@dataclass(frozen=True, kw_only=True)
class Case:
    """One network of the demo.

    Attributes:
        name: heading on the page.
        data: data set on board.
        build: makes the untrained network.
        epochs: passes through the data.
        learning_rate: step size.
        weight_decay: weight decay of AdamW.
    """

    name: str
    data: str
    build: Callable[[], Any]
    epochs: int
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2


def _cases(*, quick: bool) -> list[Case]:
    from inscape.training import mlp, small_convnet

    if quick:
        return [Case(name="MLP on digits", data="digits", build=lambda: mlp([64, 32, 32, 10]), epochs=12)]
    return [
        Case(name="MLP on digits", data="digits", build=lambda: mlp([64, 64, 64, 10]), epochs=20),
        Case(name="Conv net on MNIST", data="mnist5k", build=small_convnet, epochs=8),
    ]


@dataclass(frozen=True, kw_only=True)
class _Trained:
    case: Case
    context: Any
    accuracy: float
    seconds: float


def demo(
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="The page's folder.")] = Path("inscape-demo"),
    quick: Annotated[bool, Parameter(help="One small network on digits, small windows.", negative=())] = False,
    json: Annotated[bool, Parameter(help="Answer with JSON on standard output.", negative=())] = False,
) -> int:
    """Train two networks on real data and write a report about them.

    An MLP on 8×8 digits and a small conv net on MNIST; with --quick only a smaller MLP. Nothing is downloaded.

    Returns:
        The exit code.
    """
    from inscape.report import check_folder, write_page

    begin = time.perf_counter()
    check_folder(out)
    trained = [_train(case, quick=quick) for case in _cases(quick=quick)]
    drawing = time.perf_counter()
    page = write_page([done.context for done in trained], out=out)
    now = time.perf_counter()
    _summary(trained, page, as_json=json, drawing=now - drawing, total=now - begin)
    return 0


def _train(case: Case, *, quick: bool) -> _Trained:
    from inscape import data, training
    from inscape.network import read
    from inscape.results import Context

    begin = time.perf_counter()
    kept, held_out = data.split(*data.load(case.data), test=0.2, rng=0)
    recipe = training.Recipe(
        optimizer="adamw", learning_rate=case.learning_rate, weight_decay=case.weight_decay, scheduler="cosine"
    )
    done = training.fit(case.build(), kept, epochs=case.epochs, recipe=recipe, test=held_out)
    x, y = held_out
    context = Context(
        model=done.model,
        network=read(done.model, example=x[:1]),
        name=case.name,
        x=x,
        y=y,
        data_name=f"{case.data} (held-out part)",
        classes=data.card(case.data).classes,
        history=done.history,
    )
    if quick:
        context = replace(context, max_cells=5_000, options={"distance_samples": 10, "distance_seconds": 4.0})
    accuracy = training.accuracy(done.model, held_out)
    return _Trained(case=case, context=context, accuracy=accuracy, seconds=time.perf_counter() - begin)


def _summary(trained: Sequence[_Trained], page: Path, *, as_json: bool, drawing: float, total: float) -> None:
    from inscape.cli._terminal import show_facts, show_table, write_json

    parts = json.loads((page.parent / "numbers.json").read_text(encoding="utf-8"))["parts"]
    rows = [_row(done, part) for done, part in zip(trained, parts, strict=True)]
    if as_json:
        write_json({"networks": rows, "page": str(page), "seconds": round(total, 1)})
        return
    show_table("Inscape demo", {name: [row[name] for row in rows] for name in rows[0]})
    show_facts("Report", {"page": str(page), "time": f"{total:.0f} s in all, {drawing:.0f} s of it for the report"})


def _row(done: _Trained, part: dict[str, Any]) -> dict[str, object]:
    views = list(part["sections"]["regions"]["views"].values())
    counted = [view for view in views if "cells" in view]
    return {
        "network": done.case.name,
        "accuracy": f"{done.accuracy:.1%}",
        "units": int(done.context.network.units),
        "exact regions": " + ".join(f"{view['cells']:,}" for view in counted),
        "status": ", ".join(dict.fromkeys(view["status"] for view in counted)),
        "training": f"{done.seconds:.0f} s",
    }
