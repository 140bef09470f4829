"""A model that comes from a ``.pt2`` file."""

import copy
import warnings
from typing import Any, Self

import torch
from torch import nn


class Program:
    """Holds an exported program; a copy of the model shares it, for it is only read."""

    def __init__(self, program: Any) -> None:
        self.held = program

    def __deepcopy__(self, memo: dict[int, Any]) -> "Program":
        return self


class ExportedModel(nn.Module):
    """A model from a ``.pt2`` file; it stays in the mode in which it was exported."""

    def __init__(self, program: Any) -> None:
        super().__init__()
        self.program = Program(program)
        self.exported = program.module(check_guards=False)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch warns of itself when a graph is copied
            made.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return made

    def forward(self, x: torch.Tensor) -> Any:
        """Evaluate the exported graph."""
        return self.exported(x)

    def train(self, mode: bool = True) -> Self:
        """Set the flag; an exported graph has one mode only."""
        self.training = mode
        return self

    def sample_shape(self) -> tuple[int, ...] | None:
        """Shape of one input sample, None if the program does not take one tensor with a dynamic batch."""
        program = self.program.held
        names = program.graph_signature.user_inputs
        inputs = [node for node in program.graph.nodes if node.op == "placeholder" and node.name in names]
        if len(inputs) != 1:
            return None
        sides = inputs[0].meta["val"].shape[1:]
        return tuple(sides) if all(isinstance(side, int) for side in sides) else None
