"""Where the bars of a waterfall end inside its frame, what is written beside them, and how long names are broken."""

import re
from dataclasses import dataclass

import numpy as np

from inscape.plotting._waterfall import Waterfall

_LEAST = 0.01
"""Bars that together reach less far are as good as none, by the digits written beside them."""
UNKNOWN, BLOCKED, ENDLESS = "–", "blocked", "−∞"


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Layout:
    """A waterfall that fits its frame.

    Attributes:
        low: lower end of the axis.
        high: upper end of the axis.
        bars: (n, 2) ends of the bars, those without end cut before the head of their arrow; NaN for none.
        texts: (n,) what is written beside each bar.
        anchors: (n,) where on the axis each text begins, or ends if it goes to the left.
        right: (n,) whether a text goes to the right.
        arrows: rows of the bars that go on beyond the frame; an arrow's head lies between the frame and ``head``.
        head: where on the axis the heads of arrows end.
        links: (k, 2) row and place of the hairlines to the bar below.
    """

    low: float
    high: float
    bars: np.ndarray
    texts: tuple[str, ...]
    anchors: np.ndarray
    right: np.ndarray
    arrows: np.ndarray
    head: float
    links: np.ndarray


def arranged(info: Waterfall, width: float) -> Layout:
    """Choose the ends of the axis and the places of the texts, so that all texts are inside.

    Args:
        info: the waterfall.
        width: number of characters that have room side by side on the axis.

    Returns:
        The layout.
    """
    running, normal, ends = info.running, info.normal, info.ends
    texts = bar_texts(info)
    arrows = np.flatnonzero([text in {BLOCKED, ENDLESS} for text in texts])
    known = np.concatenate([[0.0], running[np.isfinite(running)], normal[np.isfinite(normal)]])
    low, high = (known.min(), known.max()) if np.ptp(known) >= _LEAST else (-1.0, 1.0)
    low, high = low - (0.2 if len(arrows) else 0.02) * (high - low), high + 0.02 * (high - low)
    right = np.isneginf(ends) | np.isnan(running[:, 0]) | (ends >= info.starts)
    anchors = np.where(right, running[:, 1], running[:, 0])
    share = np.array([len(text) + 1.0 for text in texts]) / width
    low, high = _widened(low, high, anchors, np.where(right, share, -share))
    head = low + 0.03 * (high - low)
    frame = np.full(len(ends), low)
    frame[arrows] = head
    links = [(i, ends[i]) for i in range(len(ends) - 1) if np.isfinite(ends[i]) and np.isfinite(running[i + 1, 1])]
    return Layout(
        low=low,
        high=high,
        bars=np.where(np.isneginf(running), head, running),
        texts=texts,
        anchors=np.where(np.isnan(anchors), frame, anchors),
        right=right,
        arrows=arrows,
        head=head,
        links=np.array(links).reshape(-1, 2),
    )


def _widened(low: float, high: float, anchors: np.ndarray, share: np.ndarray) -> tuple[float, float]:
    """The least axis on which texts that take these shares of it, to the right or (negative) left, are inside."""
    placed = np.isfinite(anchors)
    left, right = low, high
    for _ in range(60):  # each round leaves at most 0.6 of the lack
        reach = (anchors + np.clip(share, -0.3, 0.3) * (right - left))[placed]
        left, right = min(low, reach.min(initial=low)), max(high, reach.max(initial=high))
    return float(left), float(right)


def bar_texts(info: Waterfall) -> tuple[str, ...]:
    """What is written beside each bar.

    Args:
        info: the waterfall.

    Returns:
        (n,) changes with their sign, levels of the first bar and of totals without a plus; "blocked" beside the step
        that blocks, "−∞" beside a level without end, "–" where a bar is unknown or has no place.
    """
    starts, ends = info.starts, info.ends
    texts = []
    for index, total in enumerate(info.totals):
        level = bool(total) or index == 0
        if np.isneginf(ends[index]):
            texts.append(ENDLESS if level else UNKNOWN if np.isneginf(starts[index]) else BLOCKED)
        elif np.isnan(ends[index]) or np.isnan(starts[index]):
            texts.append(UNKNOWN)
        else:
            texts.append(signed(float(ends[index] if level else info.values[index]), plus=not level))
    return tuple(texts)


def signed(value: float, *, plus: bool = True) -> str:
    """A number with its sign and two digits.

    Args:
        value: the number.
        plus: whether positive numbers get a sign.

    Returns:
        The text.

    Example:
        >>> signed(1.234), signed(-0.5), signed(0.0), signed(2.0, plus=False), signed(-np.inf)
        ('+1.23', '−0.50', '0.00', '2.00', '−∞')
    """
    if np.isnan(value):
        return UNKNOWN
    if np.isinf(value):
        return ENDLESS if value < 0 else "+∞"
    if value == 0:
        return "0.00"
    text = f"{value:+.2f}" if abs(value) < 1e5 else f"{value:+.2e}"
    return (text if plus else text.removeprefix("+")).replace("-", "−")


def name_lines(name: str, width: int) -> tuple[str, ...]:
    """Break a long name into two lines, after a dot or another mark where there is one.

    Args:
        name: the name.
        width: most characters in a line.

    Returns:
        One line or two. What does not fit in two is left out at the front: the end of a module's path tells most.

    Example:
        >>> name_lines("encoder.layers.11.self_attention.out_proj", 28)
        ('encoder.layers.11.', 'self_attention.out_proj')
        >>> name_lines("model.encoder.layers.11.attention.out_proj", 18)
        ('…ncoder.layers.11.', 'attention.out_proj')
    """
    text = " ".join(name.split())
    if len(text) <= width:
        return (text,)
    surplus = len(text) - 2 * width
    shorter = [text] if surplus <= 0 else ["…" + text[cut:] for cut in range(surplus + 1, surplus + width // 2)]
    for shown in shorter:
        marks = [found.end() for found in re.finditer(r"[^\w…]|_", shown)]
        fitting = [at for at in marks if len(shown) - width <= at <= width]
        at = max((at for at in fitting if shown[at - 1] != "_"), default=max(fitting, default=0))
        if at:
            return shown[:at].rstrip(), shown[at:].lstrip()
    return shorter[0][:width], shorter[0][width:]
