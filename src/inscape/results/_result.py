"""The base of every answer: attributes, a summary, a figure, a table, a file and a citation."""

from dataclasses import fields
from html import escape
from pathlib import Path
from typing import Any, ClassVar, Self

from inscape import _citation
from inscape._errors import FileFormatError, InputError
from inscape.results import _codec
from inscape.results._provenance import Provenance
from inscape.results._status import Status


class Result:
    """Base class of frozen dataclasses that hold an answer; decorate them with ``repr=False`` to keep the short repr.

    A subclass sets ``kind``, ``schema`` and ``works``, has the fields ``status`` and ``provenance``, and defines
    :meth:`facts`; it may define :meth:`info` (for :meth:`plot`) and :meth:`columns` (for :meth:`to_dataframe`).
    Fields whose metadata says ``{"transient": True}`` are neither compared nor saved and must have a default.
    """

    __slots__ = ()

    kind: ClassVar[str]
    schema: ClassVar[int] = 1
    works: ClassVar[tuple[str, ...]] = ()

    status: Status
    provenance: Provenance

    def facts(self) -> dict[str, object]:
        """What the summary shows: name → value, in order."""
        raise NotImplementedError

    def info(self) -> Any:
        """The plot's info object."""
        raise InputError(f"a result of kind {self.kind!r} has no figure; see its attributes or summary()")

    def columns(self) -> dict[str, Any]:
        """Column name → one-dimensional array, all of one length."""
        raise InputError(f"a result of kind {self.kind!r} is no table; see its attributes or summary()")

    def summary(self) -> str:
        """Lines of text for a terminal."""
        facts = self.facts() | {"status": str(self.status)}
        width = max(len(name) for name in facts)
        body = "\n".join(f"  {name:<{width}}  {value}" for name, value in facts.items())
        return f"{type(self).__name__}\n{body}"

    def __repr__(self) -> str:
        facts = ", ".join(f"{name}={value}" for name, value in self.facts().items())
        return f"{type(self).__name__}({facts}, status={self.status})"

    def _repr_html_(self) -> str:
        facts = self.facts() | {"status": self.status.sentence}
        rows = "".join(f"<tr><th>{escape(k)}</th><td>{escape(str(v))}</td></tr>" for k, v in facts.items())
        return f"<table><caption>{escape(type(self).__name__)}</caption>{rows}</table>"

    def plot(self, *, backend: str = "matplotlib") -> Any:
        """Draw the result.

        Args:
            backend: ``"matplotlib"`` or ``"plotly"``.

        Returns:
            A matplotlib or plotly figure.
        """
        from inscape.plotting import render

        return render(self.info(), backend=backend)

    def to_dataframe(self) -> Any:
        """The result as a pandas data frame (extra ``tables``)."""
        from inscape._optional import require

        return require("pandas", "tables").DataFrame(self.columns())

    def state(self) -> dict[str, Any]:
        """Field name → value, as it goes into a file."""
        kept = [f for f in fields(self) if not f.metadata.get("transient")]  # type: ignore[arg-type]
        return {f.name: getattr(self, f.name) for f in kept}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Build the result from what :meth:`state` gave."""
        return cls(**state)

    def save(self, path: str | Path) -> Path:
        """Write the result to an ``.npz`` file with a JSON header; the file is whole or not there.

        Args:
            path: target; ``.npz`` is added if missing.

        Returns:
            The path written.
        """
        return _codec.write(path, self.kind, self.schema, self.state())

    def to_bytes(self) -> bytes:
        """The content of the file that :meth:`save` writes, not compressed; see :func:`from_bytes`."""
        return _codec.pack(self.kind, self.schema, self.state())

    def cite(self) -> str:
        """BibTeX of the works that this result implements."""
        return _citation.bibtex(*self.works)


def load(path: str | Path) -> Result:
    """Read a result that ``save`` wrote.

    Args:
        path: the file.

    Returns:
        The result, of the class that its kind names.

    Raises:
        FileFormatError: if the file is missing, truncated, foreign, tampered with or newer.
    """
    return _built(str(path), *_codec.read(path))


def from_bytes(data: bytes, *, name: str = "the data") -> Result:
    """Read a result from what ``to_bytes`` gave.

    Args:
        data: the bytes.
        name: what they are called in errors.

    Returns:
        The result, of the class that its kind names.
    """
    return _built(name, *_codec.read(data, name))


def _built(name: str, cls: type, state: dict[str, Any]) -> Result:
    try:
        return cls.from_state(state)  # type: ignore[attr-defined]
    except (TypeError, KeyError) as error:
        raise FileFormatError(f"{name} lacks or misnames a part: {error}") from error
