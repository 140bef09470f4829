"""What a task's value depends on besides its options: function, source, versions, shared value, root seed."""

import inspect
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from inscape._errors import InputTypeError


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """One run: tasks whose values may stand side by side.

    Attributes:
        function: module and qualified name, ``package.module:name``.
        source: hash of the source of the function's module.
        version: version of this library, and of the function's own package where it has one.
        shared: fingerprint of the shared value, empty if there is none.
        root: the root seed.
    """

    function: str
    source: str
    version: str
    shared: str
    root: int


def identity(function: Callable[..., Any], *, shared: str, root: int) -> Identity:
    """Identify the run of a function.

    Args:
        function: a function at the top level of a module.
        shared: fingerprint of the shared value.
        root: the root seed.

    Returns:
        The identity.

    Raises:
        InputTypeError: if the function has no name or no source by which it could be found again.
    """
    if not inspect.isfunction(function):
        raise InputTypeError(
            f"expected a plain function for a run with a ledger, got {type(function).__name__}; "
            "write a function at the top level of a module, and give options through tasks or shared"
        )
    name = function.__qualname__
    if "<" in name:
        what = "a lambda" if "<lambda>" in name else "defined inside of another function"
        raise InputTypeError(
            f"expected a function that can be found again by its name, but {name} is {what}; "
            "with a ledger it must stand at the top level of a module"
        )
    return Identity(
        function=f"{_module(function)}:{name}",
        source=blake2b(_source(function).encode(), digest_size=16).hexdigest(),
        version=_versions(function.__module__.partition(".")[0]),
        shared=shared,
        root=root,
    )


def _module(function: Callable[..., Any]) -> str:
    """The module's name; for a script the name of its file, because every script is called ``__main__``."""
    if function.__module__ != "__main__":
        return function.__module__
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return f"__main__({Path(file).name})" if file else "__main__"


def _source(function: Callable[..., Any]) -> str:
    """Source of the function's module; of the function alone where the module has none, as in a notebook."""
    module = sys.modules.get(function.__module__)
    for thing in (module, function):
        try:
            if thing is not None:
                return inspect.getsource(thing)
        except (OSError, TypeError):
            continue
    raise InputTypeError(
        f"the source of {function.__qualname__} cannot be read, so a ledger could not tell when it changes; "
        "write it into a file"
    )


@cache
def _versions(package: str) -> str:
    found = {"inscape": version("inscape")}
    with suppress(PackageNotFoundError, ValueError):  # a script belongs to no package
        found[package] = version(package)
    return ", ".join(f"{name} {number}" for name, number in found.items())
