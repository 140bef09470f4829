"""A case of the suite: a network, its data, and what is known to be wrong with it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from inscape._errors import InputError
from inscape.gradients import Cause
from inscape.testing.faults._kinds import KINDS
from inscape.testing.faults._net import Net, build, layer_paths, norm_paths
from inscape.testing.faults._plant import plant, train_to_rest, train_until_fitted
from inscape.testing.faults._samples import contradictory, draw
from inscape.training import Recipe

SAMPLES = 512
_FEW, _CONTRADICTED = 64, 51
_SCALES = {"tiny_inputs": 1e-3, "large_inputs": 255.0}


class PlainDescent:
    """Gradient descent without momentum.

    Attributes:
        rate: its step size.
    """

    rate: ClassVar[float] = 0.03

    def __call__(self, parameters: Iterable[Tensor]) -> torch.optim.Optimizer:
        """An optimizer of these parameters."""
        return torch.optim.SGD(parameters, lr=self.rate)


@dataclass(frozen=True, kw_only=True)
class FaultCase:
    """A network with a known sickness, or a healthy one.

    Attributes:
        kind: a key of :data:`KINDS`.
        net: what the network looks like.
        place: number of the sick hidden layer or normalisation, counted from 0; the output layer has the number
            ``net.depth``. None if the whole network is concerned.
        seed: decides weights and samples.
        split: ``"design"`` for cases that a tool may be tuned on, ``"held-out"`` and
            ``"confirmation"`` for those that judge it.
        accepted: verdicts that count as right, the one that the case stands for first; empty for those of the kind.

    Raises:
        InputError: if the kind is unknown, or the place does not fit the kind or the network.
    """

    kind: str
    net: Net
    place: int | None = None
    seed: int = 0
    split: str = "design"
    accepted: tuple[Cause, ...] = ()

    def __post_init__(self) -> None:
        _check(self.kind, self.net, self.place)
        if not self.accepted:
            object.__setattr__(self, "accepted", KINDS[self.kind].causes)

    @property
    def key(self) -> str:
        """The case's name; no two cases of the suite share it."""
        place = "" if self.place is None else f"@{self.place}"
        return f"{self.kind}{place}/{self.net.name}/{self.seed}"

    @property
    def cause(self) -> Cause:
        """What is wrong."""
        return self.accepted[0]

    @property
    def layer(self) -> str | None:
        """Path of the sick module, None if the whole network or nothing is sick."""
        if self.place is None:
            return None
        return (norm_paths if KINDS[self.kind].where == "norm" else layer_paths)(self.net)[self.place]

    @property
    def family(self) -> str:
        """``"mlp"`` or ``"conv"``."""
        return self.net.family

    @property
    def dataset(self) -> str:
        """``"digits"`` or ``"mnist5k"``."""
        return self.net.dataset

    @property
    def activation(self) -> str:
        """Name of the activation."""
        return self.net.activation

    @property
    def depth(self) -> int:
        """Number of hidden layers."""
        return self.net.depth

    @property
    def width(self) -> int:
        """Units or channels of a hidden layer."""
        return self.net.width

    @property
    def recipe(self) -> Recipe:
        """The network's own optimizer: plain gradient descent in batches of 32."""
        return Recipe(batch_size=32, optimizer=PlainDescent(), learning_rate=PlainDescent.rate, rng=self.seed)

    def twin(self) -> "FaultCase":
        """The same network with the same weights, without the fault."""
        healthy = {"he": ("relu", "gelu", "silu")}
        init = next((name for name, of in healthy.items() if self.net.activation in of), "xavier")
        activation = "tanh" if self.net.activation == "sigmoid" else self.net.activation
        net = replace(self.net, activation=activation, init=init)
        return FaultCase(kind="healthy", net=net, seed=self.seed, split=self.split)

    def build(self) -> nn.Module:
        """Build the network; the same call gives the same parameters, and no global random state is read or set.

        Only the kinds ``fitted`` and ``cancelling`` train, for a second or so.

        Returns:
            The module, float32, in training mode, without gradients.
        """
        model = build(self.net, self.seed, cut=self.place if self.kind == "detached" else None)
        plant(model, self.net, self.kind, place=self.place)
        if self.kind == "fitted":
            train_until_fitted(model, *self.data())
        elif self.kind == "cancelling":
            train_to_rest(model, draw(self.net, self.seed, _CONTRADICTED)[0])
        return model

    def data(self) -> tuple[Tensor, Tensor]:
        """The samples that a tool is given.

        Returns:
            512 training samples and their labels; 64 for ``fitted``, 51 samples with ten labels each for
            ``cancelling``; scaled for the kinds that concern the inputs.
        """
        if self.kind == "fitted":
            return draw(self.net, self.seed, _FEW)
        if self.kind == "cancelling":
            return contradictory(draw(self.net, self.seed, _CONTRADICTED))
        x, y = draw(self.net, self.seed, SAMPLES)
        return self.scaled(x), y

    def scaled(self, x: Tensor) -> Tensor:
        """Inputs as the case's network meets them.

        Args:
            x: pixels in [0, 1].

        Returns:
            The same, scaled for the kinds that concern the inputs.
        """
        return x * _SCALES.get(self.kind, 1.0)

    def loss(self) -> Callable[[Tensor, Tensor], Tensor]:
        """The loss: mean cross-entropy."""
        return torch.nn.functional.cross_entropy


def _check(kind: str, net: Net, place: int | None) -> None:
    if kind not in KINDS:
        raise InputError(f"expected kind as one of {', '.join(KINDS)}, got {kind!r}")
    where = KINDS[kind].where
    if bool(where) != (place is not None):
        raise InputError(f"the kind {kind} needs {'a layer as place' if where else 'no place'}, got place={place}")
    paths = norm_paths(net) if where == "norm" else layer_paths(net)
    last = len(paths) - (kind in {"saturated_units", "dead_units", "detached"})
    if place is not None and not 0 <= place < last:
        raise InputError(f"expected a place in 0 … {last - 1} in {net.name} for {kind}, got {place}")
