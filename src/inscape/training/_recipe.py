"""How to train: everything that is chosen once for a whole run."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from inscape._errors import InputError, ModelError

OPTIMIZERS = ("adam", "adamw", "sgd")
SCHEDULERS = ("cosine",)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The choices of a training run.

    Attributes:
        batch_size: samples per step where the data are a pair of tensors; an iterable brings its own batches.
        optimizer: ``"adam"``, ``"adamw"``, ``"sgd"`` (momentum 0.9), or a function of the parameters that returns a
            ``torch.optim.Optimizer``.
        learning_rate: step size of a named optimizer.
        weight_decay: weight decay of a named optimizer.
        scheduler: None, ``"cosine"`` (from the learning rate to 0 over the run), or a function of the optimizer that
            returns a learning-rate scheduler; it is stepped once an epoch.
        loss: function of ``(output, y)`` that returns a scalar; None is cross-entropy of whole-number labels and the
            mean squared error of float targets.
        rng: seed of the order of the samples and of dropout.
        in_place: train the given model itself instead of a copy.

    Raises:
        InputError: if a number is out of range or a name unknown.
    """

    batch_size: int = 64
    optimizer: str | Callable[..., Optimizer] = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    scheduler: str | Callable[..., Any] | None = None
    loss: Callable[..., torch.Tensor] | None = None
    rng: int = 0
    in_place: bool = False

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise InputError(f"expected batch_size ≥ 1, got {self.batch_size}")
        if not (self.learning_rate > 0 and isfinite(self.learning_rate)):
            raise InputError(f"expected a finite learning_rate > 0, got {self.learning_rate}")
        if not (self.weight_decay >= 0 and isfinite(self.weight_decay)):
            raise InputError(f"expected a finite weight_decay ≥ 0, got {self.weight_decay}")
        if isinstance(self.optimizer, str) and self.optimizer not in OPTIMIZERS:
            raise InputError(
                f"expected optimizer as one of {', '.join(OPTIMIZERS)} or a function, got {self.optimizer!r}"
            )
        if isinstance(self.scheduler, str) and self.scheduler not in SCHEDULERS:
            raise InputError(
                f"expected scheduler as one of {', '.join(SCHEDULERS)} or a function, got {self.scheduler!r}"
            )
        if not 0 <= self.rng < 2**63:
            raise InputError(f"expected a seed 0 ≤ rng < 2⁶³, got {self.rng}")

    def describe(self) -> dict[str, object]:
        """The choices that decide the trained parameters, as JSON values; functions by their name.

        Returns:
            Field name → value, without ``in_place``.
        """
        return {
            "batch_size": self.batch_size,
            "optimizer": _name(self.optimizer),
            "learning_rate": float(self.learning_rate),
            "weight_decay": float(self.weight_decay),
            "scheduler": _name(self.scheduler),
            "loss": _name(self.loss) if self.loss is not None else "cross_entropy (labels), mse_loss (targets)",
            "rng": self.rng,
        }


def _name(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"


def make_optimizer(recipe: Recipe, model: nn.Module) -> Optimizer:
    """Build the recipe's optimizer over the model's trainable parameters.

    Args:
        recipe: the choices.
        model: the module to train.

    Returns:
        The optimizer.

    Raises:
        ModelError: if there is nothing to train.
        InputError: if the recipe's function returns no optimizer, or one that needs a closure.
    """
    if any(isinstance(p, nn.parameter.UninitializedParameter) for p in model.parameters()):
        raise ModelError("the model has lazy layers without a shape; run one batch through it before training")
    trained = [p for p in model.parameters() if p.requires_grad]
    if not trained:
        raise ModelError(f"{type(model).__name__} has no parameter with requires_grad=True; there is nothing to train")
    if not isinstance(recipe.optimizer, str):
        made = recipe.optimizer(trained)
        if not isinstance(made, Optimizer):
            raise InputError(
                f"the recipe's optimizer must return a torch.optim.Optimizer, it returned {type(made).__name__}"
            )
        if isinstance(made, torch.optim.LBFGS):
            raise InputError("LBFGS evaluates the loss several times a step, which fit does not offer; choose another")
        return made
    rate, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "adam":
        return torch.optim.Adam(trained, lr=rate, weight_decay=decay)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(trained, lr=rate, weight_decay=decay)
    return torch.optim.SGD(trained, lr=rate, momentum=0.9, weight_decay=decay)


def make_scheduler(recipe: Recipe, optimizer: Optimizer, epochs: int) -> Any:
    """Build the recipe's scheduler.

    Args:
        recipe: the choices.
        optimizer: what it steers.
        epochs: length of the run.

    Returns:
        The scheduler, or None.

    Raises:
        InputError: if the recipe's function returns something without ``step`` and ``state_dict``.
    """
    if recipe.scheduler is None:
        return None
    if recipe.scheduler == "cosine":
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    made = recipe.scheduler(optimizer)  # type: ignore[operator]
    if not (hasattr(made, "step") and hasattr(made, "state_dict")):
        raise InputError(f"the recipe's scheduler must return a learning-rate scheduler, got {type(made).__name__}")
    return made
