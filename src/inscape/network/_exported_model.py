"""A model that comes from a ``.pt2`` file."""

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

    def forward(self, x: torch.Tensor) -> Any:
        """Evaluate the exported graph."""
        return self.exported(x)

    def train(self, mode: bool = True) -> Self:
        """Set the flag; an exported graph has one mode only."""
        self.training = mode
        return self
