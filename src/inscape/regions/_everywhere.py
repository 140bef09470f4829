"""The whole input space, reached by doubling a box."""

from dataclasses import dataclass
from math import isfinite

from inscape._errors import DomainError


@dataclass(frozen=True, kw_only=True, slots=True)
class Everywhere:
    """All of an input space of dimension 1 to 6: a box is doubled until the number of cells is stable twice.

    The answer has status *stable*, not *exact*: hyperplanes that are nearly parallel may meet outside.

    Attributes:
        start: half side of the first box, centred at 0.
        doublings: most doublings before giving up.
    """

    start: float = 1.0
    doublings: int = 40

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            DomainError: if the first box is empty or no box is allowed.
        """
        if not (isfinite(self.start) and self.start > 0 and self.doublings >= 1):
            raise DomainError(f"expected start > 0 and doublings ≥ 1, got {self.start} and {self.doublings}")
