"""Patterns as short rows of bytes: bits for signs, whole numbers for the leaders of maxima."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from inscape.geometry import LocalPlan, Maximum


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PatternCode:
    """How patterns are packed.

    Attributes:
        widths: (s,) entries of each nonlinear node's pattern.
        sizes: (s,) bytes of an entry, 0 for bits.
        modules: path of each nonlinear node.
    """

    widths: np.ndarray
    sizes: np.ndarray
    modules: Sequence[str]

    @classmethod
    def of(cls, plan: LocalPlan) -> Self:
        """The code of a plan's patterns.

        Args:
            plan: the plan.

        Returns:
            The code.
        """
        steps = list(plan.steps.values())
        widths = [len(s.rule.groups) if isinstance(s.rule, Maximum) else s.split.size for s in steps]
        sizes = [(1 if s.rule.groups.shape[1] <= 256 else 2) if isinstance(s.rule, Maximum) else 0 for s in steps]
        return cls(
            widths=np.array(widths, np.int64),
            sizes=np.array(sizes, np.int64),
            modules=tuple(step.name for step in steps),
        )

    def pack(self, patterns: Sequence[np.ndarray], count: int = 1) -> np.ndarray:
        """Pack patterns.

        Args:
            patterns: for each nonlinear node (c, n) patterns.
            count: number c, for a program without nonlinear nodes.

        Returns:
            (c, bytes) unsigned bytes.
        """
        parts = [np.zeros((len(patterns[0]) if len(patterns) else count, 0), np.uint8)]
        for size, pattern in zip(self.sizes, patterns, strict=True):
            if size:
                codes = np.ascontiguousarray(pattern.astype(np.uint8 if size == 1 else np.uint16))
                parts.append(codes.view(np.uint8).reshape(len(pattern), -1))
            else:
                parts.append(np.packbits(pattern, axis=1))
        return np.concatenate(parts, axis=1)

    def unpack(self, packed: np.ndarray) -> tuple[np.ndarray, ...]:
        """The patterns again.

        Args:
            packed: (c, bytes) unsigned bytes.

        Returns:
            For each nonlinear node (c, n): booleans, or for maxima the positions of the leaders.
        """
        found, first = [], 0
        for width, size in zip(self.widths.tolist(), self.sizes.tolist(), strict=True):
            last = first + (width * size if size else (width + 7) // 8)
            part = np.ascontiguousarray(packed[:, first:last])
            if size:
                found.append(part.view(np.uint8 if size == 1 else np.uint16).astype(np.int64))
            else:
                found.append(np.unpackbits(part, axis=1, count=width).astype(np.bool_))
            first = last
        return tuple(found)
