"""Cuts of the graph: the calls that every path of the gradient passes on its way from the output to the input."""

from collections.abc import Iterable, Sequence
from typing import Any

from inscape.gradients._tape import Event


def _reaching(root: Any, sources: set[Any]) -> tuple[dict[Any, list[Any]], set[Any]]:
    """Children of each node below the root, and the nodes from which a source is reached; paths end at a source."""
    children: dict[Any, list[Any]] = {}
    order, stack = [], [(root, False)] if root is not None else []
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node not in children:
            below = () if node in sources else node.next_functions
            children[node] = [child for child, _ in below if child is not None]
            stack.append((node, True))
            stack.extend((child, False) for child in children[node])
    reaching = set()
    for node in order:  # children come before their parents
        if node in sources or any(child in reaching for child in children[node]):
            reaching.add(node)
    return children, reaching


def reaching(root: Any, sources: Iterable[Any]) -> set[Any]:
    """Nodes between a root and any of the sources.

    Args:
        root: autograd node of the loss or the output.
        sources: autograd nodes where the paths end.

    Returns:
        The nodes below the root from which a source is reached, the sources among them.
    """
    return _reaching(root, set(sources))[1]


def cut_nodes(root: Any, sources: Iterable[Any]) -> list[Any]:
    """Nodes that every path from a root to any of the sources passes.

    Args:
        root: autograd node of the loss or the output.
        sources: autograd nodes where the paths end.

    Returns:
        The nodes in order from the root; a source is one of them only if it is the only one that is reached.
    """
    ends = set(sources)
    children, passed = _reaching(root, ends)
    waiting = dict.fromkeys(passed, 0)
    for node in passed:
        for child in children[node]:
            if child in passed:
                waiting[child] += 1
    found, open_nodes, ready = [], {root} & passed, [root] if root in passed else []
    while ready:
        node = ready.pop()
        if len(open_nodes) == 1:
            found.append(node)
        if node not in ends:  # an end stays open: its path is not over before the others are
            open_nodes.discard(node)
        for child in children[node]:
            if child in passed:
                open_nodes.add(child)
                waiting[child] -= 1
                if not waiting[child]:
                    ready.append(child)
    return found


def cuts(root: Any, events: Sequence[Event], source: Any) -> list[int]:
    """Calls that every path of the gradient passes.

    Args:
        root: autograd node of the output.
        events: all calls of the pass.
        source: autograd node of the input; None for an input without a gradient, whose paths end at embeddings.

    Returns:
        Indices of events in the order of the calls. If the input is not reached, because something between cuts the
        path, the paths end at the first call that is reached.
    """
    nodes = {event.node: event.index for event in events if event.node is not None}
    ends = [source] if source is not None else [e.node for e in events if e.kind == "embedding" and e.node is not None]
    found = cut_nodes(root, ends) if ends else []
    if not found:
        reached, _ = _reaching(root, set())
        first = next((event.node for event in events if event.node in reached), None)
        found = cut_nodes(root, [first]) if first is not None else []
    return sorted(nodes[node] for node in found if node in nodes)
