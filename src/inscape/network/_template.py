"""Argument trees of captured calls, with places for what is known only when a batch comes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """Place of the value of an input."""

    index: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Place of the value of a constant."""

    index: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Zero:
    """Zeros of the shape of a constant."""

    leaf: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """A number that depends on the number of samples."""

    evaluate: Callable[[int], Any]


def leaves(tree: Any) -> Iterator[Any]:
    """Everything in the tree that is no list, tuple or dictionary, in order."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        for branch in tree:
            yield from leaves(branch)
    else:
        yield tree


def change(tree: Any, function: Callable[[Any], Any]) -> Any:
    """The same tree with ``function`` applied to its leaves, in order."""
    if isinstance(tree, dict):
        return {key: change(branch, function) for key, branch in tree.items()}
    if isinstance(tree, list | tuple):
        return [change(branch, function) for branch in tree]
    return function(tree)


def fill(tree: Any, values: Sequence[Tensor], constants: Sequence[Tensor], samples: int) -> Any:
    """The arguments for a batch.

    Args:
        tree: the template.
        values: tensors for the slots.
        constants: tensors for the held constants.
        samples: number of samples in the batch.

    Returns:
        The tree with tensors and numbers.
    """

    def resolve(leaf: Any) -> Any:
        if isinstance(leaf, Slot):
            return values[leaf.index]
        if isinstance(leaf, Held):
            return constants[leaf.index]
        if isinstance(leaf, Zero):
            return torch.zeros_like(constants[leaf.leaf.index])
        return leaf.evaluate(samples) if isinstance(leaf, Size) else leaf

    return change(tree, resolve)
