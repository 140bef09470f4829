"""Colours: told apart by every kind of vision, right at the ends of the scale."""

import numpy as np
import pytest

from inscape._errors import InputError
from inscape.plotting import Heatmap, PolygonMap
from inscape.plotting._theme import THEMES, categorical, colours_of, shown_categories, theme_of, value_range

# linear-light simulation of dichromatic vision: Machado, Oliveira, Fernandes (2009), severity 1
VISION = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def linear(colours):
    share = np.asarray(colours) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab(light):
    relative = np.clip(light, 0, 1) @ TO_XYZ.T / [0.95047, 1.0, 1.08883]
    f = np.where(relative > (6 / 29) ** 3, np.cbrt(relative), relative / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


@pytest.mark.parametrize("vision", VISION)
def test_ten_categories_are_told_apart(vision):
    seen = lab(linear(categorical(10)) @ np.array(VISION[vision]).T)
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=2) + 1e3 * np.eye(10)
    assert apart.min() > 15


def test_many_categories_have_different_colours():
    assert len(np.unique(categorical(60), axis=0)) == 60


@pytest.mark.parametrize(
    ("theme", "paper"), [("light", "#ffffff"), ("dark", "#14181e"), ("auto", "#ffffff"), ("auto", "#14181e")]
)
def test_text_is_readable(theme, paper):
    text, ground = (
        linear([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) @ TO_XYZ[1] for colour in (THEMES[theme].text, paper)
    )
    assert (max(text, ground) + 0.05) / (min(text, ground) + 0.05) > (3.8 if theme == "auto" else 7)


def test_unknown_theme_is_named():
    with pytest.raises(InputError, match="'sepia'"):
        theme_of("sepia")


def heat(values, **more):
    return Heatmap(values=values, low=(0, 0), high=(1, 1), **more)


@pytest.mark.parametrize(
    ("values", "limits", "expected"),
    [
        ([[1, 3]], {}, (1, 3)),
        ([[1, 3]], {"vmin": 0, "vmax": 2}, (0, 2)),
        ([[np.nan, np.nan]], {}, (0, 1)),
        ([[4, 4]], {}, (2, 6)),
        ([[0, 0]], {}, (-0.5, 0.5)),
        ([[0, 0]], {"vmin": 0}, (0, 0.5)),
        ([[4, 4]], {"vmax": 4}, (2, 4)),
    ],
)
def test_ends_of_the_colour_bar(values, limits, expected):
    assert value_range(heat(values, **limits)) == expected


def test_scale_runs_from_dark_to_bright_and_clips():
    colours = colours_of(heat([[-5, 0, 1, 2, 9, np.nan]], vmin=0, vmax=2))[0].astype(int)
    assert (colours[0] == colours[1]).all()
    assert (colours[3] == colours[4]).all()
    assert colours[1].sum() < colours[2].sum() < colours[3].sum()
    assert colours[5].tolist() == [190, 190, 190]


def test_legend_keeps_the_most_frequent_categories():
    values = np.repeat(np.arange(5), [9, 1, 8, 2, 7])[None]
    info = heat(values, categorical=True, names=tuple("vwxyz"))
    assert shown_categories(info, limit=3) == ([(0, "v"), (2, "x"), (4, "z")], 2)
    assert shown_categories(heat(values, categorical=True)) == ([], 0)


def test_a_map_may_list_names_that_do_not_occur():
    given = {"points": [(0, 0), (1, 0), (0, 1)], "offsets": [0, 3], "low": (0, 0), "high": (1, 1), "names": ("a", "b")}
    maps = [PolygonMap(values=[1], categorical=True, all_names=every, **given) for every in (False, True)]
    assert [shown_categories(info) for info in maps] == [([(1, "b")], 0), ([(0, "a"), (1, "b")], 0)]
