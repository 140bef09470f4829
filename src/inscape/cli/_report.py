"""``inscape report``: an offline page about one network."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from inscape.cli._inputs import ModelOptions


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """How the page is made.

    Attributes:
        name: name of the network on the page.
        history: file with the training history.
        samples: how many samples are used at most.
        max_cells: how many cells one plane may have.
        seed: seed of every random choice.
        json: whether the answer is JSON.
    """

    name: Annotated[str, Parameter(help="What the network is called on the page; the file's name if empty.")] = ""
    history: Annotated[Path | None, Parameter(help="History that inscape train wrote (.npz).")] = None
    samples: Annotated[int, Parameter(help="Use at most so many samples of the data.")] = 2000
    max_cells: Annotated[int, Parameter(help="Cut the windows to so many predicted cells.")] = 50_000
    seed: Annotated[int, Parameter(help="Seed of every random choice of the page.")] = 0
    json: Annotated[bool, Parameter(help="Answer with JSON on standard output.", negative=())] = False


def report(
    model: Annotated[str, Parameter(help="A .pt2 or .onnx file, or package.module:factory.")],
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="The page's folder: new, empty or an earlier report.")],
    source: ModelOptions | None = None,
    options: ReportOptions | None = None,
) -> int:
    """Write an offline HTML page about a network.

    The folder gets index.html, numbers.json and figures; an earlier report in it is replaced.

    Returns:
        The exit code.
    """
    from inscape.cli._inputs import class_names, load_data, load_model, some_samples
    from inscape.cli._terminal import show_facts, write_json
    from inscape.network import read
    from inscape.report import check_folder, write_page
    from inscape.results import Context, load

    source, options = source or ModelOptions(), options or ReportOptions()
    check_folder(out)
    module = load_model(model, source.weights)
    x, y = some_samples(*load_data(source), most=options.samples, seed=options.seed)
    context = Context(
        model=module,
        network=read(module, example=x[:1]),
        name=options.name or Path(model).stem.rpartition(":")[2],
        x=x,
        y=y,
        data_name=source.data,
        classes=class_names(source.data),
        history=None if options.history is None else load(options.history),
        seed=options.seed,
        max_cells=options.max_cells,
    )
    page = write_page([context], out=out)
    if options.json:
        write_json({"page": str(page), "bytes": page.stat().st_size})
    else:
        show_facts("Report", {"page": str(page), "size": f"{page.stat().st_size / 1e6:.1f} MB"})
    return 0
