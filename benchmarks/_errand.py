"""Task functions of the benchmark of runs, in a module that workers can import."""

import os
from pathlib import Path

import numpy as np


def same(i: int) -> int:
    """The most trivial task."""
    return i


class Counted:
    """A shared value that writes a line whenever it is opened."""

    def __init__(self, log: Path, size: int) -> None:
        self.log, self.data = str(log), np.ones(size, dtype=np.uint8)

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        with Path(self.log).open("a") as handle:
            handle.write(f"{os.getpid()}\n")


def weighed(i: int, shared: Counted) -> int:
    """A task that looks at a little of the shared value."""
    return int(shared.data[:10].sum()) + i
