"""What the report page is made of: a context goes in, sections come out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Context:
    """Everything a section function may look at; it must not change any of it.

    Attributes:
        model: the module under study, in eval mode or not; never changed.
        network: the captured network (``inscape.network.Network``).
        name: what the model is called on the page.
        x: (n, *shape) inputs as a tensor, or None.
        y: (n,) labels as a tensor, or None.
        data_name: what the data are called on the page.
        classes: names of the classes.
        history: what training recorded (``inscape.training.History``), or None.
        seed: seed of every random choice of the page.
        max_cells: how many cells a plane may have on the page.
        options: further options, by name.
    """

    model: Any
    network: Any
    name: str
    x: Any = None
    y: Any = None
    data_name: str = ""
    classes: Sequence[str] = ()
    history: Any = None
    seed: int = 0
    max_cells: int = 50_000
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure of a section.

    Attributes:
        name: file stem, lower case with hyphens.
        info: an info object of ``inscape.plotting``.
        caption: what is seen and how to read it, one or two sentences.
    """

    name: str
    info: Any
    caption: str


@dataclass(frozen=True, kw_only=True)
class Section:
    """One chapter of the page.

    Attributes:
        key: anchor, lower case with hyphens.
        title: heading.
        paragraphs: plain-text paragraphs before the figures.
        figures: the figures in order.
        tables: ``plotting.Table`` objects in order.
        notes: what is not exact, cut or left out, said in words.
        numbers: JSON values for the page's JSON file.
    """

    key: str
    title: str
    paragraphs: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Any] = ()
    notes: Sequence[str] = ()
    numbers: Mapping[str, object] = field(default_factory=dict)
