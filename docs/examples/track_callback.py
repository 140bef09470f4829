"""Follow gradients and units under a trainer that calls back, as Lightning does.

The class has the names and arguments of a ``lightning.Callback``. There, write ``class GradientCallback(Callback)``.
"""

from contextlib import ExitStack
from typing import Any

from torch import nn

from inscape import gradients


class GradientCallback:
    """Watches every training batch, from before its forward pass until after its backward pass."""

    def __init__(self, tracker: gradients.GradientTracker | None = None) -> None:
        self.tracker = tracker or gradients.track()
        self._open = ExitStack()

    def on_train_batch_start(self, trainer: Any, pl_module: nn.Module, batch: Any, batch_idx: int) -> None:
        """Begin to look on. Steps of one optimizer run inside its step; that changes nothing here."""
        self._open.enter_context(self.tracker.watch(pl_module))

    def on_train_batch_end(self, trainer: Any, pl_module: nn.Module, outputs: Any, batch: Any, batch_idx: int) -> None:
        """The step is done: take it into the record."""
        self._open.close()

    def on_exception(self, trainer: Any, pl_module: nn.Module, exception: BaseException) -> None:
        """The step broke: leave the block as the exception would, so that nothing of it is kept."""
        opened = self._open.pop_all()
        opened.__exit__(type(exception), exception, exception.__traceback__)

    def on_train_epoch_end(self, trainer: Any, pl_module: nn.Module) -> None:
        """Make a record of the epoch."""
        self.tracker.end_epoch()

    def state_dict(self) -> dict[str, Any]:
        """What goes into the trainer's checkpoint."""
        return self.tracker.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.tracker.load_state_dict(state)
