"""The page's chapter on the decision boundary: its parts, loops and length, and what it divides."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from inscape.regions._views import View, names_of_classes, views
from inscape.results import Context, Section

_PAIRS = 12
"""Pairs of classes in the table of a plane, longest boundary first."""


def section(context: Context) -> Section | None:
    """Topology and size of the decision boundary on the page's planes, by plane, class and pair of classes.

    Args:
        context: the page's context.

    Returns:
        The chapter, or None where no plane was cut.
    """
    drawn = [view for view in views(context) if view.boundary is not None]
    if not drawn:
        return None
    found = {view.key: _facts(view, names_of_classes(context, view.boundary.class_count)) for view in drawn}
    return Section(
        key="boundary",
        title="The shape of the decision boundary",
        paragraphs=[_PARAGRAPH, *(_story(view, found[view.key]) for view in drawn)],
        tables=_tables(drawn, found),
        notes=_notes(drawn, found),
        numbers={"planes": found},
    )


_PARAGRAPH = (
    "On a plane the decision boundary is a set of curves. Their topology is computed like everything else, without a "
    "grid: parts are curves that hang together, loops are independent closed curves, and the Euler characteristic is "
    "parts minus loops. There is a loop for every area of one class that does not reach the wall of the window, an "
    "island; a part without loops ends on the walls. Parts of a class are areas that hang together along edges."
)


def _facts(view: View, names: Sequence[str]) -> dict[str, Any]:
    line = view.boundary
    parts, loops = line.betti()
    volumes = np.asarray(line.class_volumes)
    return {
        "length": line.length,
        "parts": parts,
        "loops": loops,
        "euler": parts - loops,
        "status": str(line.status),
        "classes": {
            names[label]: {
                "area": float(volumes[label]),
                "share": float(volumes[label] / volumes.sum()),
                "parts": int(line.class_components[label]),
            }
            for label in np.flatnonzero(volumes > 0).tolist()
        },
        "pairs": _pairs(line, names),
    }


def _pairs(line: Any, names: Sequence[str]) -> list[dict[str, Any]]:
    """Pairs of classes that meet, longest boundary first; parts and loops of the first few."""
    if not len(line.pairs):
        return []
    pairs, place = np.unique(np.sort(line.pairs, axis=1), axis=0, return_inverse=True)
    lengths = np.bincount(place.ravel(), weights=line.measures)
    rows = []
    for rank, k in enumerate(np.argsort(-lengths, kind="stable").tolist()):
        i, j = (int(label) for label in pairs[k])
        row: dict[str, Any] = {"classes": [names[i], names[j]], "length": float(lengths[k])}
        if rank < _PAIRS:
            row["parts"], row["loops"] = line.betti(between=(i, j))
        rows.append(row)
    return rows


def _story(view: View, found: dict[str, Any]) -> str:
    """What the tables say about one plane, in words."""
    where = f"{view.title}: "
    if not found["parts"]:
        (only,) = found["classes"]
        return f"{where}the whole window belongs to the class {only}, so there is no boundary."
    split = [name for name, facts in found["classes"].items() if facts["parts"] > 1]
    largest = max(found["classes"], key=lambda name: found["classes"][name]["area"])
    longest = " and ".join(found["pairs"][0]["classes"])
    text = (
        f"{where}the boundary has {_several(found['parts'], 'part')} and {_several(found['loops'], 'loop')}. "
        f"Areas of {len(found['classes'])} classes are seen; the largest is that of {largest} with "
        f"{found['classes'][largest]['share']:.0%} of the window. The longest border is between the classes {longest}."
    )
    if not split:
        return f"{text} The area of every class hangs together."
    verb = "is" if len(split) == 1 else "are"
    return f"{text} In several parts {verb} the area of {_listed(split)}."


def _several(count: int, noun: str) -> str:
    return f"{'no' if count == 0 else f'{count:,}'} {noun}{'' if count == 1 else 's'}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _tables(drawn: Sequence[View], found: dict[str, dict[str, Any]]) -> list[Any]:
    from inscape.plotting import Table

    planes = Table(
        columns={
            "plane": [view.title for view in drawn],
            "length (input units)": [found[view.key]["length"] for view in drawn],
            "parts (b₀)": [found[view.key]["parts"] for view in drawn],
            "loops (b₁)": [found[view.key]["loops"] for view in drawn],
            "Euler characteristic": [found[view.key]["euler"] for view in drawn],
            "status": [found[view.key]["status"] for view in drawn],
        },
        caption="The decision boundary in the drawn windows.",
    )
    return [planes, _class_table(drawn, found), *_pair_table(drawn, found)]


def _class_table(drawn: Sequence[View], found: dict[str, dict[str, Any]]) -> Any:
    from inscape.plotting import Table

    rows = [(view, name, facts) for view in drawn for name, facts in found[view.key]["classes"].items()]
    return Table(
        columns={
            "plane": [view.short for view, _, _ in rows],
            "class": [name for _, name, _ in rows],
            "share of the window": [f"{facts['share']:.1%}" for _, _, facts in rows],
            "area (input units²)": [facts["area"] for _, _, facts in rows],
            "parts": [facts["parts"] for _, _, facts in rows],
        },
        caption="Areas of the classes. A class that is not listed is nowhere in the window.",
    )


def _pair_table(drawn: Sequence[View], found: dict[str, dict[str, Any]]) -> list[Any]:
    from inscape.plotting import Table

    rows = [(view, pair) for view in drawn for pair in found[view.key]["pairs"][:_PAIRS]]
    if not rows:
        return []
    made = Table(
        columns={
            "plane": [view.short for view, _ in rows],
            "between": [" and ".join(pair["classes"]) for _, pair in rows],
            "length (input units)": [pair["length"] for _, pair in rows],
            "parts (b₀)": [pair["parts"] for _, pair in rows],
            "loops (b₁)": [pair["loops"] for _, pair in rows],
        },
        caption=f"Pairs of classes that meet, longest border first, at most {_PAIRS} for a plane.",
    )
    return [made]


def _notes(drawn: Sequence[View], found: dict[str, dict[str, Any]]) -> list[str]:
    notes = [
        f"{view.title}: {len(found[view.key]['pairs']) - _PAIRS} more pairs of classes meet; their lengths are in "
        "numbers.json."
        for view in drawn
        if len(found[view.key]["pairs"]) > _PAIRS
    ]
    return [*notes, "All of this is said of the windows only: curves that leave a window may close outside of it."]
