"""What a task's value depends on besides its options: the function, its source, versions, the shared value, the root seed."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """One run: tasks whose values may stand side by side.

    Attributes:
        function: module and qualified name, ``package.module:name``.
        source: hash of the source of the function's module.
        version: version of this library and of the function's own package.
        shared: fingerprint of the shared value, empty if there is none.
        root: the root seed.
    """

    function: str
    source: str
    version: str
    shared: str
    root: int
