"""One door for optional dependencies: a missing one names the extra that brings it."""

from importlib import import_module
from types import ModuleType

from inscape._errors import DependencyError


def require(module: str, extra: str) -> ModuleType:
    """Import an optional module where it is needed.

    Args:
        module: dotted name of the module, such as ``"pandas"``.
        extra: the extra of this library that installs it, such as ``"tables"``.

    Returns:
        The imported module.

    Raises:
        DependencyError: if the module is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise DependencyError(
            f"this needs the package {module.partition('.')[0]!r}, which is not installed; "
            f"write: pip install 'inscape[{extra}]'"
        ) from error
