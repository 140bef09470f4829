"""Walk through data once and hand each unit's pre-activations to whoever sums them up."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from inscape._errors import ModelError
from inscape._progress import Meter, meter
from inscape.data import batches
from inscape.gradients._moments import Moments
from inscape.gradients._sites import Key, Names, Site, find_sites
from inscape.gradients._tape import Event, Visitor
from inscape.gradients._units import by_channel
from inscape.gradients._watch import Mode, _uses_batch, watched


@runtime_checkable
class Taker(Protocol):
    """What sums up the units of one activation."""

    def take(self, z: Tensor, slope: Tensor, /) -> None:
        """Take in (n, p, units) pre-activations and derivatives of n samples at p positions."""


@dataclass(kw_only=True)
class Walk:
    """What a walk through the data left.

    Attributes:
        sites: the units of each activation, in the order of the calls.
        takers: what summed them up, one for each.
        layers: key of a layer → moments of its output, where a normalisation follows that is no fixed affine map.
        samples: samples seen.
        mode: ``"eval"`` or ``"train"``.
        batch_statistics: names of normalisations that used the batch's own statistics.
        random: names of functions that drew at random.
        digest: fingerprint of the data where they are a pair of tensors, else empty.
    """

    sites: list[Site]
    takers: list[Any]
    layers: dict[Key, Moments]
    samples: int = 0
    mode: str = "eval"
    batch_statistics: tuple[str, ...] = ()
    random: tuple[str, ...] = ()
    digest: str = ""

    @property
    def detail(self) -> str:
        """What a reader should know about the pass, empty in evaluation mode."""
        said = []
        if self.batch_statistics:
            said.append(f"statistics of the batches in {', '.join(self.batch_statistics)}")
        if self.random:
            said.append(f"random draws in {', '.join(self.random)}")
        return "; ".join(said)


def walk(
    model: nn.Module,
    data: Any,
    make: Callable[[Site], Taker],
    *,
    mode: Mode,
    batch_size: int,
    progress: Meter | bool | None,
    title: str,
) -> Walk:
    """Run the data through the model once, without gradients.

    The units are those that the first samples meet; a call that only later samples meet is not looked at.

    Args:
        model: the module.
        data: pair of tensors or iterable of batches; one pass.
        make: makes the taker of an activation's units.
        mode: see the verbs.
        batch_size: samples per batch where the batches are cut here.
        progress: a meter, whether to show a bar, or None.
        title: what the meter says.

    Returns:
        The sites and the takers.

    Raises:
        ModelError: if no activation was met.
    """
    source = batches(data, batch_size=batch_size)
    total = None if source.pair is None else len(source.pair[0])
    with watched(model, mode=mode, gradient=False) as watch, meter(progress, title, total) as shown:
        first, rest = _opened(iter(source))
        sites, run = find_sites(watch, *first)
        if not sites:
            raise ModelError("the model calls no elementwise activation that is known; it has no units to look at")
        found = Walk(sites=sites, takers=[make(site) for site in sites], layers=_measured(sites), mode=watch.mode)
        found.batch_statistics, found.random = tuple(run.batch_statistics), tuple(run.random)
        for x, y in rest:
            watch.run(x, y, visiting(sites, found.takers, len(x), found.layers))
            found.samples += len(x)
            shown.advance(len(x))
    found.digest = _digest(source.pair)
    return found


def _opened(source: Iterator[Any]) -> tuple[Any, Iterator[Any]]:
    first = next(source)
    return first, chain([first], source)


def _measured(sites: list[Site]) -> dict[Key, Moments]:
    return {site.layer_key: Moments() for site in sites if site.layer_key and not affine(site)}


def affine(site: Site) -> bool:
    """Whether every normalisation between layer and activation is a fixed affine map.

    Args:
        site: the units.

    Returns:
        True also where there is none.
    """
    return all(event.operation == "batch_norm" and not _uses_batch(event) for event in site.between)


def visiting(
    sites: Sequence[Site], takers: Sequence[Taker], samples: int, layers: Mapping[Key, Moments] | None = None
) -> Visitor:
    """A visitor for one batch that hands the units' pre-activations to their takers.

    Args:
        sites: the units of activations.
        takers: one for each.
        samples: samples in the batch.
        layers: key of a layer → moments of its output to be added to.

    Returns:
        The visitor; it serves one pass.
    """
    names, wanted = Names(), layers or {}
    at = {site.key: (site, taker) for site, taker in zip(sites, takers, strict=True)}
    axes = {site.layer_key: site.axis for site in sites}

    def visit(event: Event, x: Tensor, output: Tensor) -> None:
        key = names.key(event)
        if key in wanted and output.ndim > axes[key]:
            wanted[key].add(by_channel(output, axes[key]))
        if event.activation is None or key not in at:
            return
        site, taker = at[key]
        slope = event.activation.derivative(x.detach())
        for z, slopes in zip(site.parts(x, samples), site.parts(slope, samples), strict=True):
            taker.take(z, slopes)

    return visit


def _digest(pair: tuple[Tensor, Tensor] | None) -> str:
    from inscape.training._run import digest

    return "" if pair is None else digest(pair)
