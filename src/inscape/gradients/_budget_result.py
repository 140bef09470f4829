"""The answer of :func:`inscape.gradients.budget`."""

from dataclasses import dataclass
from math import exp, isnan
from typing import Any, ClassVar

import numpy as np

from inscape._errors import InputError
from inscape.results import Provenance, Result, Status


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Budget(Result):
    """The log-budget of a gradient; logarithms are natural, so that units are nats.

    Steps are in the order in which the error passes them: from the output to the input. Layers and calls are in the
    order of the forward pass.

    Attributes:
        residual: logarithm of the root mean square, over samples, of the gradient at the output.
        chance: the same with the labels of each batch in another order: what a network that knows nothing would have.
        loss: mean loss.
        samples: number of samples.
        names: (s,) what each step passes.
        categories: (s,) ``"weight gain"``, ``"activation gate"``, ``"normalisation"``, ``"attention"``, ``"block"`` or
            ``"other"``.
        values: (s,) change of the logarithm at each step; minus infinity where nothing passes, NaN after that.
        references: (s,) what an activation's gate is where nothing is wrong; NaN for other steps.
        places: (s,) place of each step's call in the forward pass.
        layers: (l,) module path of every layer with a weight.
        parameters: (l,) name of the weight.
        operations: (l,) function that uses it.
        unreached: (l,) whether no path leads from the loss to the weight.
        depths: (l,) number of steps between the output and the layer.
        log_gradient: (l,) logarithm of the norm of the mean gradient.
        arriving: (l,) logarithm of the root mean square of the gradient at the layer's output.
        branch: (l,) change from the last cut above to the layer's output; 0 for a layer on the path.
        inputs: (l,) input term.
        alignment: (l,) alignment term, NaN where norms of single samples are not known.
        coherence: (l,) coherence term; it holds the alignment where that is NaN.
        log_single: (l,) logarithm of the root mean square of single samples' gradients, or NaN.
        log_weight: (l,) logarithm of the root mean square of the weight's entries.
        input_scale: (l,) logarithm of the root mean square of the numbers other than zero that the layer is fed.
        calls: (c,) every layer, normalisation, activation and attention.
        call_kinds: (c,) what it is.
        call_layers: (c,) path of the layer that it is or that feeds it; empty where there is none.
        call_gains: (c,) logarithm of the gradient that the call sends on over the one that arrives, or NaN.
        call_references: (c,) as ``references``.
        call_scales: (c,) logarithm of the root mean square of a normalisation's scale; NaN for other calls.
        call_sources: (c,) place among the calls of the one that feeds it, through functions that keep values; -1 if
            there is none.
        zero_share: (c,) share of the derivative's entries that are zero, for activations.
        constant_share: (c,) share of the units whose output is the same for all samples, for activations.
        blocks: (block, branch, share) of the gradient below a block; the shares of a block sum to one.
        refused: (layer, reason) for layers without norms of single samples.
        whole: whether the gradient reaches the input.
        mode: ``"eval"`` or ``"train"``.
        status: measured, or degenerate if the gradient's path is cut.
        provenance: how it was made.
    """

    kind: ClassVar[str] = "gradient-budget"
    works: ClassVar[tuple[str, ...]] = ("vandenberg2016",)

    residual: float
    chance: float
    loss: float
    samples: int
    names: tuple[str, ...]
    categories: tuple[str, ...]
    values: np.ndarray
    references: np.ndarray
    places: np.ndarray
    layers: tuple[str, ...]
    parameters: tuple[str, ...]
    operations: tuple[str, ...]
    unreached: np.ndarray
    depths: np.ndarray
    log_gradient: np.ndarray
    arriving: np.ndarray
    branch: np.ndarray
    inputs: np.ndarray
    alignment: np.ndarray
    coherence: np.ndarray
    log_single: np.ndarray
    log_weight: np.ndarray
    input_scale: np.ndarray
    calls: tuple[str, ...]
    call_kinds: tuple[str, ...]
    call_layers: tuple[str, ...]
    call_gains: np.ndarray
    call_references: np.ndarray
    call_scales: np.ndarray
    call_sources: np.ndarray
    zero_share: np.ndarray
    constant_share: np.ndarray
    blocks: tuple[tuple[str, str, float], ...]
    refused: tuple[tuple[str, str], ...]
    whole: bool
    mode: str
    status: Status
    provenance: Provenance

    @property
    def change(self) -> float:
        """Sum of all steps: how the gradient changes between the last and the first cut; NaN if it is lost."""
        return float(self.values.sum())

    def layer(self, name: str | int) -> int:
        """Place of a layer.

        Args:
            name: module path, or the place itself.

        Returns:
            The place among ``layers``.

        Raises:
            InputError: if there is no such layer.
        """
        if isinstance(name, int) and -len(self.layers) <= name < len(self.layers):
            return name % len(self.layers)
        if name not in self.layers:
            raise InputError(f"expected a layer among {', '.join(self.layers[:12])}, got {name!r}")
        return self.layers.index(str(name))

    def terms(self, layer: str | int = 0) -> dict[str, tuple[str, float]]:
        """The sum that makes a layer's gradient.

        Args:
            layer: module path or place; the first layer by default.

        Returns:
            Name → (category, value in nats), from the output on; the values sum to ``log_gradient`` of the layer.
        """
        place = self.layer(layer)
        made: list[tuple[str, str, float]] = [("error at the output", "residual", self.residual)]
        made += [(self.names[i], self.categories[i], float(self.values[i])) for i in range(int(self.depths[place]))]
        if self.branch[place] != 0:
            made.append((f"branch to {self.layers[place]}", "block", float(self.branch[place])))
        made.append((f"input of {self.layers[place]}", "input", float(self.inputs[place])))
        if not isnan(self.alignment[place]) and abs(self.alignment[place]) > 0:
            made.append(("positions, alignment", "alignment", float(self.alignment[place])))
        made.append(("samples, coherence", "coherence", float(self.coherence[place])))
        names: dict[str, tuple[str, float]] = {}
        for name, category, value in made:
            taken = name
            while taken in names:
                taken += " "  # a name that comes twice stays readable and stays a key
            names[taken] = (category, value)
        return names

    def facts(self) -> dict[str, object]:
        """What the summary shows: name → value, in order."""
        zeros = self.zero_share[~np.isnan(self.zero_share)]
        facts: dict[str, object] = {
            "samples": self.samples,
            "mode": self.mode,
            "loss": f"{self.loss:.4g}",
            "error at the output": f"{exp(self.residual):.4g}",
            "change to the first layer": f"{self.change:+.2f} nats",
            "gradient of the first layer": f"{exp(self.log_gradient[0]):.4g}",
            "layers": len(self.layers),
        }
        if zeros.size:
            facts["blocked by activations"] = f"{zeros.mean():.1%} of the derivatives are zero"
        if self.refused:
            facts["no norms of single samples"] = ", ".join(name for name, _ in self.refused[:6])
        return facts

    def info(self, layer: str | int = 0) -> Any:
        """The budget of one layer as a waterfall.

        Args:
            layer: module path or place; the first layer by default.

        Returns:
            An ``inscape.plotting.Waterfall``.
        """
        from inscape.gradients._budget_draw import waterfall

        return waterfall(self, self.layer(layer))

    def columns(self) -> dict[str, Any]:
        """Column name → one-dimensional array, all of one length: one row for every layer."""
        return {
            "layer": np.array(self.layers),
            "operation": np.array(self.operations),
            "log_gradient": self.log_gradient,
            "arriving": self.arriving,
            "branch": self.branch,
            "input": self.inputs,
            "alignment": self.alignment,
            "coherence": self.coherence,
            "log_single": self.log_single,
            "log_weight": self.log_weight,
            "input_scale": self.input_scale,
        }
