"""``inscape regions distance``: the library's bounds for samples, as text, JSON and files."""

import csv
import json
from math import inf, isfinite

import numpy as np
import pytest

from inscape import data, network, regions
from inscape.results import load


def asked(run, model, *words):
    answer = run("regions", "distance", model, "--data", "moons", *words, "--json")
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


@pytest.mark.parametrize("norm", [1, 2, inf])
def test_bounds_are_those_of_the_library(run, moons, norm):
    found = asked(run, moons, "--norm", f"{norm:g}", "--samples", 5)
    x, y = data.load("moons")
    kept = found["table"]["sample"]
    assert len(kept) == 5
    assert kept == sorted(set(kept))
    wanted = regions.distance(network.load(str(moons)), x[kept], norm)
    assert found["table"]["at least"] == wanted.lower.tolist()
    assert found["table"]["at most"] == wanted.upper.tolist()
    assert found["table"]["class"] == wanted.pairs[:, 0].tolist()
    assert found["table"]["meets"] == wanted.pairs[:, 1].tolist()
    assert found["table"]["label"] == y[kept].tolist()
    assert (found["verdict"], found["certified"]) == ("certified", "5 of 5")


def test_a_box_moves_the_nearest_point_away(run, moons):
    x, _ = data.load("moons")
    low, high = float(x.min().floor()), float(x.max().ceil())
    free, held = (
        asked(run, moons, "--samples", 20),
        asked(run, moons, "--samples", 20, f"--low={low}", f"--high={high}"),
    )
    pairs = list(zip(free["table"]["at least"], held["table"]["at most"], strict=True))
    assert all(outer is None or inner <= outer * (1 + 1e-9) for inner, outer in pairs)


def test_the_table_is_for_people(run, moons):
    out = run("regions", "distance", moons, "--data", "moons", "--samples", 3).out
    assert all(word in out for word in ("sample", "meets", "at least", "at most", "3 of 3", "certified"))


def test_a_short_time_is_a_status_and_no_error(run, moons):
    found = asked(run, moons, "--timeout", "1e-9", "--samples", 3)
    assert found["verdict"] == "limit"
    assert all(
        lower <= (inf if upper is None else upper)
        for lower, upper in zip(found["table"]["at least"], found["table"]["at most"], strict=True)
    )


@pytest.mark.parametrize("suffix", ["npz", "csv", "png", "svg", "html"])
def test_files(run, moons, tmp_path, suffix):
    path = tmp_path / f"distances.{suffix}"
    found = asked(run, moons, "--samples", 4, "-o", path)
    assert found["written"] == str(path)
    if suffix == "npz":
        assert load(path).upper.tolist() == found["table"]["at most"]
    elif suffix == "csv":
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert [float(row["at most"]) for row in rows] == found["table"]["at most"]
        assert [int(row["sample"]) for row in rows] == found["table"]["sample"]
    else:
        assert path.stat().st_size > 1000


def test_between_two_classes(run, moons):
    """With two classes the pair is the whole boundary."""
    pair, whole = asked(run, moons, "--samples", 3, "--between", "1,0"), asked(run, moons, "--samples", 3)
    np.testing.assert_allclose(pair["table"]["at most"], whole["table"]["at most"], rtol=3e-6)
    assert all(map(isfinite, whole["table"]["at least"]))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "--data NAME"),
        (["--data", "moons", "--low=-1"], "both --low and --high"),
        (["--data", "moons", "--low=0", "--high=0.1"], "inside the domain"),
        (["--data", "moons", "--samples", "0"], "--samples ≥ 1"),
        (["--data", "moons", "--timeout", "0"], "timeout > 0"),
        (["--data", "moons", "--between", "1"], "two classes"),
        (["--data", "moons", "-o", "d.pdf"], ".csv, .html"),
        (["--data", "digits"], "shape"),
    ],
)
def test_refusals(refused, moons, words, text):
    assert text in refused("regions", "distance", moons, *words)


def test_an_unknown_norm_is_wrong_usage(refused, moons):
    assert "norm" in refused("regions", "distance", moons, "--data", "moons", "--norm", "3", code=2).lower()
