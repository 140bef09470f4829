"""The entry point: parses, calls, and turns every error into one line and an exit code."""

import os
import sys
from collections.abc import Sequence
from typing import Any

from cyclopts import App, CycloptsError

from inscape._errors import InscapeError

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

_HELP = (
    "The inner landscape of a neural network: exact regions, boundaries and confidence of any PyTorch model.\n\n"
    "MODEL is a file written by torch.export (.pt2) or an ONNX file (.onnx), or package.module:factory with --weights "
    "FILE (.safetensors or .pt); a factory's module is imported, so its own code runs.\n\n"
    "DATA is a name on board (digits, mnist5k, moons, ...), idx:PATH, npz:PATH, cifar:PATH or package.module:function."
)

_EPILOGUE = """Examples:

  inscape demo --quick -o build/demo
  inscape train mlp:32,32 --data digits -o mlp.pt2
  inscape diagnose mlp.pt2 --data digits
  inscape report mlp.pt2 --data digits -o report
  inscape regions count mlp.pt2 --data digits --json

Exit codes: 0 done, 1 an error of the library, 2 wrong usage, 130 interrupted.
INSCAPE_DEBUG=1 shows where an error came from.
"""

_COMMANDS = {
    "demo": (
        "inscape.cli._demo:demo",
        "Train two networks on real data and write a report about them.\n\n"
        "An MLP on 8×8 digits and a small conv net on MNIST; with --quick only a smaller MLP. Nothing is downloaded.",
        "inscape demo -o build/demo",
    ),
    "train": (
        "inscape.cli._train:train",
        "Train a network and save it, with its history beside it (NAME.history.npz).\n\n"
        "With --checkpoint a run that was interrupted goes on where it stopped.",
        "inscape train mlp:32,32 --data digits --epochs 20 -o mlp.pt2",
    ),
    "compile": (
        "inscape.cli._compile:compile_shapes",
        "Build a network whose decision regions are given shapes, and certify it.\n\n"
        "SHAPES.json holds polygons, boxes or systems of half-spaces, for one class or several.",
        "inscape compile shapes.json --scale 20 -o shapes.pt2 --map shapes.png\n"
        "  inscape compile shapes.json --scale 10 --activation relu -o exact.pt2 --json",
    ),
    "diagnose": (
        "inscape.cli._diagnose:diagnose",
        "Say which layer keeps a network from training, why, and what to do.\n\n"
        "The size of the gradient is accounted for, layer by layer. -o FOLDER writes a page, FILE.npz the result, .csv "
        "the layers, and a picture's ending draws the budget.",
        "inscape diagnose mlp.pt2 --data digits\n"
        "  inscape diagnose mynets:resnet --weights resnet.pt --data cifar:PATH -o diagnosis\n"
        "  inscape diagnose mlp.pt2 --data digits --json",
    ),
    "report": (
        "inscape.cli._report:report",
        "Write an offline HTML page about a network.\n\n"
        "The folder gets index.html, numbers.json and figures; an earlier report in it is replaced.",
        "inscape report mlp.pt2 --data digits --history mlp.history.npz -o report",
    ),
    "study": (
        "inscape.cli._study:study",
        "Ask a question of many networks at once; without NAME the studies are listed.\n\n"
        "The folder gets ledger.sqlite with every outcome and page/index.html. With --resume an interrupted study "
        "goes on.",
        "inscape study capacity --quick -o study\n"
        "  inscape study capacity --workers 8 -o study --resume\n"
        "  inscape study capacity --backend dask --address tcp://host:8786 -o study",
    ),
    "info": (
        "inscape.cli._info:info",
        "Say what was read from a model and what can be exact about it, or what a result file (.npz) holds.",
        "inscape info mlp.pt2\n  inscape info regions.npz --json",
    ),
}

_GROUPS = {
    "regions": (
        "Exact linear regions of a network: their number, boundary and bounds.\n\n"
        "The domain is a box (--low and --high) of up to six dimensions, or a plane through samples (--data).",
        {
            "count": (
                "inscape.cli._regions:count",
                "Count the exact linear regions.\n\n"
                "-o FILE.npz saves them, .csv lists the cells, .graphml their neighbours, .ine their half-spaces; a "
                "picture's ending draws them.",
                "inscape regions count mlp.pt2 --data digits --plane pca\n"
                "  inscape regions count moons.pt2 --low=-2,-2 --high=2,2 --json",
            ),
            "plot": (
                "inscape.cli._regions:plot",
                "Draw the regions of a plane, coloured by class, with the decision boundary.\n\n"
                "For one input the output is drawn over its pieces, for a box of three dimensions the boundary as a "
                "surface.",
                "inscape regions plot mlp.pt2 --data digits -o regions.png",
            ),
            "boundary": (
                "inscape.cli._regions:boundary",
                "Find the decision boundary: its size, its pieces and its topology.",
                "inscape regions boundary mlp.pt2 --data digits --between 3,8\n"
                "  inscape regions boundary ball.pt2 --low=-2 --high=2 -o boundary.html",
            ),
            "distance": (
                "inscape.cli._regions_distance:distance",
                "Enclose the distances of samples to the decision boundary from both sides.\n\n"
                "Works for inputs of any size. With --low and --high the nearest point has to lie in that box, such as "
                "pixels from 0 to 1. -o FILE.npz saves the result, .csv the table; a picture's ending draws it.",
                "inscape regions distance mlp.pt2 --data digits --norm inf --low 0 --high 1 -o distances.csv",
            ),
            "bounds": (
                "inscape.cli._regions:bounds",
                "Set the exact count beside every bound, scale and sampling estimate for a network of this shape.",
                "inscape regions bounds mlp.pt2 --data digits",
            ),
            "verify": (
                "inscape.cli._regions:verify",
                "Audit the regions against independent computations; exit code 1 if something is wrong.",
                "inscape regions verify mlp.pt2 --data digits --points 10000",
            ),
        },
    ),
    "runs": (
        "Read the ledger of a run: what was computed, what failed, what it took.\n\n"
        "LEDGER is the file that was given to inscape.runs.map as ledger=.",
        {
            "list": (
                "inscape.cli._runs:list_runs",
                "List the runs in a ledger: a run is one function with one source, shared value and root seed.",
                "inscape runs list ledger.sqlite",
            ),
            "show": (
                "inscape.cli._runs:show",
                "Show tasks with their options, how they ended and what they gave.\n\n"
                "A single failed task is shown with its traceback.",
                "inscape runs show ledger.sqlite --run 2\n  inscape runs show ledger.sqlite --state failed --json",
            ),
            "export": (
                "inscape.cli._runs:export",
                "Write one row a task into a .csv, .json or .parquet file.",
                "inscape runs export ledger.sqlite -o tasks.csv",
            ),
            "prune": (
                "inscape.cli._runs:prune",
                "Remove tasks and what only they needed; not while a driver works on the ledger.",
                "inscape runs prune ledger.sqlite --failed --dry-run\n"
                "  inscape runs prune ledger.sqlite --older-than 30",
            ),
        },
    ),
}
"""Commands with commands of their own."""


def _app() -> App:
    from inscape import __version__

    app = App(
        name="inscape",
        help=_HELP,
        help_epilogue=_EPILOGUE,
        help_format="plaintext",
        version=__version__,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    for name, (place, text, examples) in _COMMANDS.items():
        app.command(place, name=name, help=text, help_epilogue=f"Examples:\n\n  {examples}\n")
    for group, (about, commands) in _GROUPS.items():
        inner = App(name=group, help=about, help_epilogue="", help_format="plaintext", version_flags=[])
        for name, (place, text, examples) in commands.items():
            inner.command(place, name=name, help=text, help_epilogue=f"Examples:\n\n  {examples}\n")
        app.command(inner)
    return app


def _complain(kind: str, error: BaseException) -> None:
    if os.environ.get("INSCAPE_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    text = " ".join(str(error).split()) or type(error).__name__
    sys.stderr.write(f"inscape: {kind}: {text}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: words after the program's name; those of the process if None.

    Returns:
        The exit code: 0 done, 1 an error of the library, 2 wrong usage, 130 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code: Any = _app()(words, exit_on_error=False, print_error=False)
    except InscapeError as error:
        _complain("error", error)
        return FAILED
    except CycloptsError as error:
        _complain("usage", error)
        sys.stderr.write("inscape: try inscape --help\n")
        return USAGE
    except KeyboardInterrupt:
        sys.stderr.write("inscape: interrupted\n")
        return INTERRUPTED
    except (OSError, RuntimeError, MemoryError) as error:
        _complain("error", error)
        return FAILED
    return code if isinstance(code, int) else OK
