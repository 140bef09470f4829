"""What is known about a data set on board."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class DataCard:
    """The facts of one data set.

    Attributes:
        name: what :func:`load` calls it.
        shape: shape of one sample as loaded without options.
        classes: names of the classes, empty where labels are positions or groups.
        licence: under which terms the samples may be used.
        source: where the samples come from.
        citation: the work to cite, one line; empty for a closed-form set.
        options: what :func:`load` accepts for it, with the default values.
    """

    name: str
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    licence: str
    source: str
    citation: str = ""
    options: tuple[tuple[str, object], ...] = ()
