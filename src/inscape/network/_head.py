"""Finish a captured network: keep what the output needs and peel a smooth head off it."""

from dataclasses import replace

from inscape.network._builder import Builder, Value
from inscape.network._layer import Layer
from inscape.network._network import Network
from inscape.network._smooth import HEADS

_VIEWS = frozenset(
    {"view", "_unsafe_view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "select", "slice"}
)


def finish(builder: Builder, output: Value) -> Network:
    """Make the network whose output is the given value.

    A Softmax, LogSoftmax or Sigmoid that gives the output becomes the head; a Sigmoid also through reshapes and
    selections that follow it, which act on its input just as well.

    Args:
        builder: holds the layers.
        output: the output.

    Returns:
        The network with unused operations left out.
    """
    layers, position = list(builder.layers), output.index
    last = layers[position]
    head: Layer | None = None
    if last.operation in HEADS:
        head, position = _alone(last), last.inputs[0]
    elif (found := _sigmoid_behind_views(layers, position)) is not None:
        sigmoid = layers[found]
        head = replace(_alone(sigmoid), shape=last.shape)
        layers = [_bypass(layer, found, sigmoid.inputs[0]) for layer in layers]
    return _pruned(layers, position, head)


def _alone(layer: Layer) -> Layer:
    return replace(layer, inputs=(0,))


def _bypass(layer: Layer, old: int, new: int) -> Layer:
    return replace(layer, inputs=tuple(new if i == old else i for i in layer.inputs))


def _sigmoid_behind_views(layers: list[Layer], position: int) -> int | None:
    while layers[position].target in _VIEWS:
        position = layers[position].inputs[0]
    readers = sum(position in layer.inputs for layer in layers)
    return position if layers[position].operation == "Sigmoid" and readers == 1 else None


def _pruned(layers: list[Layer], output: int, head: Layer | None) -> Network:
    needed, waiting = {0}, [output]
    while waiting:
        position = waiting.pop()
        if position not in needed:
            needed.add(position)
            waiting.extend(layers[position].inputs)
    kept = sorted(needed)
    place = {old: new for new, old in enumerate(kept)}
    nodes = tuple(_renumbered(layers[old], tuple(place[i] for i in layers[old].inputs)) for old in kept)
    return Network(nodes=nodes, output=place[output], head_layer=head)


def _renumbered(layer: Layer, inputs: tuple[int, ...]) -> Layer:
    return layer if inputs == layer.inputs else replace(layer, inputs=inputs)
