"""Inscape: the inner landscape of a neural network, in input space and in weight space.

Subpackages are imported when they are first used, so that ``import inscape`` is cheap.
"""

from importlib import import_module
from importlib.metadata import version
from logging import NullHandler, getLogger
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inscape import (
        data,
        geometry,
        gradients,
        maps,
        network,
        parameters,
        plotting,
        regions,
        report,
        results,
        runs,
        studies,
        testing,
        training,
    )
    from inscape._errors import InscapeError as InscapeError
    from inscape._errors import InscapeWarning as InscapeWarning
    from inscape.results import load as load

__version__ = version("inscape")

_NAMES = {
    "InscapeError": "inscape._errors",
    "InscapeWarning": "inscape._errors",
    "load": "inscape.results",
}

__all__ = [
    "InscapeError",
    "InscapeWarning",
    "__version__",
    "data",
    "geometry",
    "gradients",
    "load",
    "maps",
    "network",
    "parameters",
    "plotting",
    "regions",
    "report",
    "results",
    "runs",
    "studies",
    "testing",
    "training",
]

getLogger("inscape").addHandler(NullHandler())


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    if name in __all__:
        return import_module(f"inscape.{name}")
    raise AttributeError(f"module 'inscape' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
