"""How much each sample moves each layer: norms of single samples' gradients by one backward pass a batch."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inscape._errors import ModelError, UnsupportedLayerError
from inscape._progress import Meter, meter
from inscape.data import batches
from inscape.gradients._contributions_result import Contributions
from inscape.gradients._mean_gradient import MeanGradient
from inscape.gradients._samples import Places, SampleNorms, check_mean, probe
from inscape.gradients._tape import Event, release
from inscape.gradients._watch import Mode, Run, Watched, mean_loss, watched
from inscape.network import model_fingerprint
from inscape.results import MEASURED, Provenance, Status, Verdict


def contributions(
    model: nn.Module,
    loss: Any,
    data: Any,
    *,
    mode: Mode = "eval",
    batch_size: int = 256,
    progress: Meter | bool | None = None,
) -> Contributions:
    r"""How much each sample moves each layer.

    For every sample :math:`i` and every layer :math:`k` with a weight,

    .. math:: C_{ik} = \lVert \nabla_{W_k} L_i \rVert_F

    by one forward and one backward pass a batch: the gradient that arrives at a layer's output and the layer's input
    determine the norms. A single position gives :math:`\lVert δ \rVert \lVert x \rVert`; for convolutions and sequences
    the cheaper of two forms is taken. What the pass gives is first compared with the gradients of up to three samples
    of the first batch, each computed alone. Layers where that fails are refused by name, and so are shared weights,
    and layers whose calls are not known (``refused``).

    The data are walked through once; an iterator that gives its batches once only will do.

    Args:
        model: the module; comes out unchanged. Frozen parameters count as well.
        loss: function of ``(output, y)`` that returns the mean over the samples; None for cross-entropy of whole-number
            labels and the mean squared error of float targets.
        data: a pair of tensors ``(x, y)`` or an iterable of such batches.
        mode: how the model is run; statistics of the batch and dropout are refused, because a sample has no gradient of
            its own then.
        batch_size: samples per batch where the data are a pair.
        progress: None, True, False or a meter.

    Returns:
        The norms and what follows from them.

    Raises:
        ModelError: if the model calls other layers from batch to batch.
        InputError: if the loss is not the mean of single losses: class weights, ignored labels, sums.
        UnsupportedLayerError: if statistics of the batch or dropout are at work, or no layer has norms of single
            samples; names them.

    Example:
        >>> model = nn.Linear(1, 1, bias=False)
        >>> _ = model.weight.data.fill_(0.0)
        >>> x, y = torch.tensor([[1.0], [2.0], [1.0]]), torch.tensor([[1.0], [1.0], [-2.0]])
        >>> found = contributions(model, None, (x, y))  # gradients 2·x·(0 - y): -2, -4, 4
        >>> found.norms[:, 0].round(4).tolist(), round(float(found.coherence[0]), 4)
        ([2.0, 4.0, 4.0], 0.2)

    Source:
        van den Berg (2016): the gradient is a sum over samples of products of local factors. Norms of single samples:
        Goodfellow (2015); the two forms: Bu, Mao and Xu (2022).
    """
    begin = time.perf_counter()
    walked = batches(data, batch_size=batch_size)
    total = None if walked.pair is None else -(-len(walked.pair[0]) // batch_size)
    with watched(model, mode=mode) as seen, meter(progress, "contributions", total) as shown:
        gathered = _Gathered(seen, loss)
        for x, y in walked:
            gathered.add(x, y)
            shown.advance(1)
        options = {"mode": seen.mode, "batch_size": batch_size}
    return gathered.result(
        Provenance(
            function="inscape.gradients.contributions",
            options=options,
            model=model_fingerprint(model),
            seconds=time.perf_counter() - begin,
        )
    )


class _Gathered:
    """What all batches so far gave."""

    def __init__(self, seen: Watched, loss: Any) -> None:
        self._seen = seen
        self._loss = loss
        self._places = Places()
        self._means: dict[int, MeanGradient] = {}
        self._norms: list[np.ndarray] = []
        self._labels: list[np.ndarray] = []
        self._names: tuple[str, ...] = ()

    def _start(self, x: Tensor, y: Tensor) -> None:
        run = _run_untied(self._seen, x, y)
        check_mean(self._loss, run)
        self._places = probe(self._seen, self._loss, x, y)
        if not self._places.found:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in self._places.refused.items())
            raise UnsupportedLayerError(
                f"no layer has norms of single samples ({reasons or 'the model has no weight'}); give a model with "
                "linear layers, convolutions, embeddings or normalisations, and a loss that is a mean over samples"
            )
        found = [event for event in run.events if event.index in self._places.found]
        self._names = _distinct(found)
        self._means = {event.index: MeanGradient(self._seen.leaves[event.parameter]) for event in found}

    def add(self, x: Tensor, y: Tensor) -> None:
        """Run a batch."""
        if not self._norms:
            self._start(x, y)
        visitor = SampleNorms(self._places, len(x), means=self._means)
        run = self._seen.run(x, y, visitor)
        self._check([event for event in run.events if event.index in self._places.found])
        self._backward(run, visitor)
        zeros = run.output.new_zeros(len(x))
        columns = [visitor.squares.get(index, zeros) for index in self._means]
        norms = torch.stack(columns, dim=1).detach().double().sqrt() * len(x)
        self._norms.append(norms.cpu().numpy())
        if y.ndim == 1 and not y.is_floating_point():
            self._labels.append(y.cpu().numpy().astype(np.int64))

    def _backward(self, run: Run, visitor: SampleNorms) -> None:
        names = {event.index: event.parameter for event in run.events if event.index in self._means}
        asked = {index: self._seen.leaves[name] for index, name in names.items() if index not in visitor.edges}
        ends = [run.output, *asked.values(), *visitor.edges.values()]
        found = torch.autograd.grad(mean_loss(self._loss, run.output, run.y), ends, allow_unused=True)
        check_mean(self._loss, run, found[0])
        for index, gradient in zip(asked, found[1:], strict=False):
            if gradient is not None:
                self._means[index].add(gradient, run.samples)
        release(run.events)

    def _check(self, events: Sequence[Event]) -> None:
        names = _distinct(events)
        if names != self._names:
            raise ModelError(
                "the model calls other layers from batch to batch; give batches that take one path, "
                f"got {', '.join(names)} after {', '.join(self._names)}"
            )

    def result(self, origin: Provenance) -> Contributions:
        """The answer."""
        norms = np.concatenate(self._norms)
        refused = tuple(self._places.refused.items())
        detail = f"{len(refused)} layers have no norms of single samples" if refused else ""
        return Contributions(
            layers=self._names,
            norms=norms,
            labels=np.concatenate(self._labels) if self._labels else np.zeros(0, dtype=np.int64),
            mean_gradient=np.array([mean.norm(len(norms)) for mean in self._means.values()]),
            refused=refused,
            status=Status(verdict=Verdict.MEASURED, detail=detail) if refused else MEASURED,
            provenance=origin,
        )


def _distinct(events: Sequence[Event]) -> tuple[str, ...]:
    """Paths of the modules; where one has several weights, their names."""
    often = Counter(event.name for event in events)
    return tuple(event.name if often[event.name] == 1 else event.parameter for event in events)


def _run_untied(seen: Watched, x: Tensor, y: Tensor) -> Run:
    """Run a batch; refused is what makes the gradient of a single sample depend on others, or on chance."""
    run = seen.run(x, y, lambda event, h, output: None)
    causes = (("statistics of the batch", run.batch_statistics), ("dropout", run.random))
    found = [f"{cause} ({', '.join(dict.fromkeys(names))})" for cause, names in causes if names]
    if found:
        raise UnsupportedLayerError(
            f"a single sample has no gradient of its own here: the model uses {' and '.join(found)}; "
            "write mode='eval', and keep running statistics in normalisation layers"
        )
    return run
