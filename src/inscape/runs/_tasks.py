"""Tasks: options as canonical JSON, their hash, and the seed that follows from it."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from inspect import Parameter, signature
from itertools import product
from typing import Any

import numpy as np

from inscape._errors import InputError, InputTypeError

_GIVEN = ("rng", "shared")
"""Parameters that a function may have and that the run fills in."""

_BY_NAME = {Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY}


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One call of the function.

    Attributes:
        index: position among the tasks.
        options: keyword arguments of the call.
        text: the options as canonical JSON.
        replicate: how many earlier tasks have the same options.
        key: 16 bytes, the hash of text and replicate.
    """

    index: int
    options: Mapping[str, Any]
    text: str
    replicate: int
    key: bytes


def grid(**axes: Any) -> list[dict[str, Any]]:
    """All combinations of options, as tasks for :func:`inscape.runs.map`.

    Args:
        **axes: option → its values in order. ``repeats=n`` is no option: it repeats each combination n times, and each
            repeat gets a seed of its own.

    Returns:
        One dict a task; the last axis varies fastest, repeats stand together.

    Raises:
        InputError: if ``repeats`` is not a positive integer.
        InputTypeError: if an axis is no sequence of values.

    Example:
        >>> grid(width=[8, 16], depth=[1])
        [{'width': 8, 'depth': 1}, {'width': 16, 'depth': 1}]
        >>> len(grid(width=[8, 16], repeats=3))
        6
    """
    repeats = axes.pop("repeats", 1)
    if not isinstance(repeats, int) or isinstance(repeats, bool) or repeats < 1:
        raise InputError(f"expected repeats as an integer ≥ 1, got {repeats!r}")
    for name, values in axes.items():
        if isinstance(values, str) or not isinstance(values, Sequence | np.ndarray | range):
            raise InputTypeError(f"expected a sequence of values for {name!r}, got {values!r}; write [{values!r}]")
    combined = (dict(zip(axes, values, strict=True)) for values in product(*axes.values()))
    return [dict(options) for options in combined for _ in range(repeats)]


def _plain(value: Any) -> Any:
    """What the JSON encoder does not know itself."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(type(value).__name__)


_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def _stranger(value: Any, path: str) -> str:
    """Where in the options the value lies that has no JSON form, and what it is; empty if there is none."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                return f"the key {key!r} of {path}, which is no text"
            if found := _stranger(item, f"{path}[{key!r}]"):
                return found
    elif isinstance(value, list | tuple):
        return next((found for i, item in enumerate(value) if (found := _stranger(item, f"{path}[{i}]"))), "")
    elif not (value is None or isinstance(value, bool | int | float | str | np.generic)):
        return f"{path} of type {type(value).__name__}"
    return ""


def canonical(options: Mapping[str, Any], index: int) -> str:
    """Write options as JSON that is the same for equal options.

    Args:
        options: the options of one task.
        index: its position, for the error.

    Returns:
        JSON with sorted keys and no blanks.

    Raises:
        InputTypeError: if the task is no mapping, or an option has no JSON form.
    """
    if not isinstance(options, Mapping):
        raise InputTypeError(f"expected task {index} as a mapping of options, got {type(options).__name__}")
    nested = any(isinstance(value, Mapping | list | tuple) for value in options.values())
    stranger = _stranger(options, "task") if nested else ""
    if not stranger:
        try:
            return _encoder.encode(dict(options))
        except TypeError:
            stranger = _stranger(options, "task")
    raise InputTypeError(
        f"expected the options of task {index} as JSON values, got {stranger}; "
        "what is large or has no JSON form travels in shared"
    )


def prepare(tasks: Iterable[Mapping[str, Any]]) -> list[Task]:
    """Number the tasks, hash their options and count repeats.

    Args:
        tasks: mappings of options.

    Returns:
        The tasks in order.
    """
    seen: Counter[str] = Counter()
    made = []
    for index, options in enumerate(tasks):
        text = canonical(options, index)
        replicate = seen[text]
        seen[text] += 1
        key = blake2b(f"{text}\n{replicate}".encode(), digest_size=16).digest()
        made.append(Task(index=index, options=options, text=text, replicate=replicate, key=key))
    return made


def seed_of(root: int, key: bytes) -> int:
    """A task's seed: a function of the root seed and of the task's own hash, and of nothing else.

    Args:
        root: the root seed, 0 or greater.
        key: the task's hash.

    Returns:
        A seed of 63 bits.

    Source:
        The mixing is that of numpy's ``SeedSequence`` with the hash as spawn key.
    """
    words = np.frombuffer(key, dtype="<u4").tolist()
    state = np.random.SeedSequence(root, spawn_key=words).generate_state(1, np.uint64)
    return int(state[0]) >> 1


def filled_in(function: Callable[..., Any], tasks: Sequence[Task], *, shared: bool) -> tuple[bool, bool]:
    """Look which of ``rng`` and ``shared`` the function takes, and that every task fits it.

    Args:
        function: the function.
        tasks: the tasks.
        shared: whether there is a shared value.

    Returns:
        Whether the call passes ``rng``, and whether it passes ``shared``.

    Raises:
        InputError: if a task lacks an option, has one that the function does not take, or names ``rng`` or
            ``shared`` itself; or there is a shared value that the function does not take.
    """
    try:
        parameters = signature(function).parameters
    except ValueError:
        return False, shared
    loose = any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values())
    named = {name for name, p in parameters.items() if p.kind in _BY_NAME}
    if shared and "shared" not in named and not loose:
        raise InputError(
            f"a shared value is given, but {_label(function)} has no parameter shared; it has {sorted(named)}"
        )
    wanted = ("rng" in named, shared)
    provided = {name for name, flag in zip(_GIVEN, wanted, strict=True) if flag}
    needed = {name for name in named if parameters[name].default is Parameter.empty} - provided
    checked: set[frozenset[str]] = set()
    for task in tasks:
        names = frozenset(task.options)
        if names in checked:
            continue
        checked.add(names)
        if names & provided:
            raise InputError(f"task {task.index} names {sorted(names & provided)}, which the run itself fills in")
        if names - named and not loose:
            strange = sorted(names - named)[0]
            raise InputError(f"{_label(function)} takes no option {strange!r}, which task {task.index} has")
        if needed - names:
            raise InputError(f"{_label(function)} needs {sorted(needed - names)[0]!r}, which task {task.index} lacks")
    return wanted


def _label(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", repr(function))
