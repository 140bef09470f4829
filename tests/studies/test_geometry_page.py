"""The page of the study of geometry from planted outcomes: numbers, curves and sentences."""

from math import log

import numpy as np
import pytest

from inscape.runs import Outcome, State
from inscape.studies import describe
from inscape.studies._geometry_curves import Part, at, curve, drawn, judged, listed, near, summary
from inscape.studies._geometry_depth import slope
from inscape.studies._geometry_measures import GAINS, LEVELS
from inscape.studies._geometry_page import sections
from inscape.studies._geometry_start import epochs_to
from inscape.studies._intervals import Mean, mean


def outcome(options, result, seed=0):
    return Outcome(options=options, replicate=seed, result=result)


def trained(activation, decay, seed, *, lost=400.0, samples=None):
    """N_eff falls by ``lost`` without weight decay, by a tenth of it with; κ is fourfold at the end."""
    left = 1000.0 - lost * (0.1 if decay else 1.0) + seed
    kappa = [None] * 3 if activation == "relu" else [0.5, 1.0, 2.0]
    lists = {"epochs": [0, 1, 2], "accuracy": [0.1, 0.8, 0.9 + 0.01 * seed], "unsupported": [0.0, 0.0, 0.1 * seed]}
    for end in ("first", "last"):
        lists |= {f"kappa_{end}": kappa, f"occupancy_{end}": [0.9, 0.6, 0.5], f"coherence_{end}": [0.3, 0.2, 0.1]}
        lists[f"effective_{end}"] = [1000.0, 900.0, left]
    options = {"part": "training", "activation": activation, "depth": 3, "samples": samples, "decay": decay}
    return outcome(options, lists | {"samples": samples or 1438}, seed)


def scaled(activation, seed, *, gain=0.2, limit=1.0):
    exponents = [0, 1, 2]
    sizes = np.array([2.0**k for k in exponents])
    asymptote = 400 * (1 + 0.01 * seed) / sizes
    lists = {
        "effective": asymptote * np.array([0.5, 0.9, limit]), "asymptote": asymptote, "kappa": sizes,
        "unsupported": [0.0, 0.0, 0.2 + 0.01 * seed], "norm": (1 + 0.01 * seed) / sizes,
        "coherence": [0.2, 0.2, 0.2 + 0.01 * (seed - 1)], "accuracy": [0.5] * 3,
    }  # fmt: skip
    for way in ("fixed", "relative"):
        lists |= {
            f"gain_{way}": [gain + 0.01 * seed, 0.1, 0.0], f"loss_{way}": [1.0] * 3, f"turn_{way}": [10.0, 5.0, 1.0],
            f"rank_{way}": [None, 0.1, 0.5 + 0.01 * seed],
        }  # fmt: skip
    lists = {name: [None if v is None else float(v) for v in values] for name, values in lists.items()}
    found = lists | {"exponents": exponents, "critical": [10.0 + 10 * q + seed for q in LEVELS], "samples": 1438}
    return outcome({"part": "scale", "activation": activation, "depth": 2}, found, seed)


def active(activation, seed, change):
    reference = {"sigmoid": log(0.25), "tanh": 0.0}.get(activation, 0.5 * log(0.5))
    found = {"change": change + 0.1 * seed, "change_before": change - 1 + 0.1 * seed, "accuracy": 0.9 + 0.01 * seed}
    found |= {"gates": [reference - 0.2 - 0.01 * seed] * 3, "references": [reference] * 3, "gains": [0.1] * 3}
    found |= {"gates_before": [reference] * 3, "occupancy": [0.5] * 3, "occupancy_before": [0.9 - 0.01 * seed] * 3}
    return outcome({"part": "activation", "activation": activation, "depth": 3}, found, seed)


def started(activation, start, seed, *, quick):
    """A network that reaches 0.95 after ``quick`` epochs of 10, or never."""
    accuracy = [0.1] * (11 if quick is None else quick) + [0.95] * (0 if quick is None else 11 - quick)
    found = {
        "kappa": [0.5, 0.5 if start == "rescaled" else 0.1], "occupancy": [0.8, 0.7], "accuracy": accuracy,
        "outside": [0.1 + 0.01 * seed, 0.1 if start == "rescaled" else 0.6], "gradient": -1.0,
        "change": (-0.5 if start == "rescaled" else -3.0) + 0.1 * seed,
    }  # fmt: skip
    options = {"part": "initialisation", "initialisation": start, "activation": activation, "depth": 6}
    return outcome(options, found, seed)


def deep(activation, start, depth, seed, *, extra=0.0):
    """The reference slope plus ``extra`` nats a layer, and a hundredth more for each seed."""
    gate = {"sigmoid": log(0.25), "tanh": 0.0, "relu": 0.5 * log(0.5)}[activation]
    rate = gate + GAINS[start] + extra + 0.01 * (seed - 1)
    found = {"change": 1.0 + rate * depth, "gradient": -1.0, "references": [gate] * depth}
    found |= {"gates": [gate + extra] * depth, "gains": [GAINS[start]] * (depth - 1) + [5.0]}
    options = {"part": "depth", "initialisation": start, "activation": activation, "depth": depth}
    return outcome(options, found, seed)


SEEDS = range(3)
TRAINING = [trained(a, d, s) for a in ("sigmoid", "tanh", "relu") for d in (0.0, 0.01, 0.1) for s in SEEDS]
SCALE = [scaled(a, s) for a in ("sigmoid", "tanh") for s in SEEDS]
ACTIVATION = [active(a, s, c) for a, c in (("sigmoid", -3.0), ("tanh", 0.5), ("relu", 0.7)) for s in SEEDS]
START = [
    started(a, start, s, quick=quick)
    for a in ("sigmoid", "tanh")
    for start, quick in (("default", None), ("Xavier", 8), ("rescaled", 2))
    for s in SEEDS
]
DEPTH = [deep(a, g, d, s) for a in ("sigmoid", "tanh", "relu") for g in GAINS for d in (2, 4, 8) for s in SEEDS]
OUTCOMES = [*TRAINING, *SCALE, *ACTIVATION, *START, *DEPTH]


def page(outcomes):
    return {section.key: section for section in sections(outcomes)}


def claims(section):
    columns = section.tables[0].columns
    return dict(zip(columns["relation"], columns["seen here"], strict=True))


def words(section):
    return " ".join(section.paragraphs)


def test_the_study_is_registered():
    found = describe("geometry")
    assert found.name == "geometry"
    assert found.question.endswith("where does the gradient go?")
    assert found.sections is sections


def test_every_part_has_its_chapter():
    found = page(OUTCOMES)
    assert list(found) == ["answers", "training", "scale", "activation", "initialisation", "depth"]
    assert all(section.figures for key, section in found.items() if key != "answers")
    headline = found["answers"].numbers["headline"]
    rows = found["answers"].tables[0].columns
    assert headline["relations"] == sum(rows["relations"])
    assert headline["seen"] == sum(rows["seen"])
    assert headline["relations"] == sum(len(claims(found[key])) for key in list(found)[1:])
    assert "the relations named in the abstract" in words(found["answers"])


def test_curves_hold_means_over_seeds():
    figures = {figure.name: figure.info for figure in page(OUTCOMES)["training"].figures}
    support = figures["support-sigmoid"]
    assert [series.name for series in support.series] == ["decay 0", "decay 0.01", "decay 0.1"]
    np.testing.assert_allclose(support.series[0].x, [0, 1, 2])
    np.testing.assert_allclose(support.series[0].y, [1000, 900, 601])
    half = 4.302653 / np.sqrt(3)  # t(0.975; 2), standard deviation 1
    np.testing.assert_allclose(support.series[0].high - support.series[0].y, [0, 0, half], rtol=1e-5)
    assert [series.name for series in figures["kappa-last"].series] == [
        "sigmoid, decay 0", "sigmoid, decay 0.1", "tanh, decay 0", "tanh, decay 0.1",
    ]  # fmt: skip


@pytest.mark.parametrize(("lost", "seen"), [(400.0, "yes"), (-400.0, "no, the reverse"), (1.0, "not clear")])
def test_what_training_does_to_support_follows_the_numbers(lost, seen):
    found = page([trained("tanh", decay, s, lost=lost) for decay in (0.0, 0.1) for s in SEEDS])
    told = claims(found["training"])
    assert told["tanh: without decay training leaves fewer effective samples in the last hidden layer"] == seen
    assert told["tanh: decay 0.1 keeps more effective samples than decay 0"] == seen
    noted = [note for note in found["answers"].notes if "decay 0.1 keeps" in note]
    assert len(noted) == (seen == "no, the reverse")


def test_growth_of_scales_and_lack_of_support_are_told():
    section = page([*TRAINING, *(trained("tanh", 0.0, s, samples=200) for s in SEEDS)])["training"]
    text = words(section)
    assert "multiplied the median κ of the last hidden layer by 4 (sigmoid) and 4 (tanh)" in text
    assert "10 ± 25 % (ReLU) of all units had fewer than 30" in text
    assert "With 200 training samples and about as many steps it was 10 ± 25 % (tanh)." in text
    assert list(section.tables[1].columns["samples"]) == [1438] * 9 + [200]
    assert "ReLU: without decay κ of the last hidden layer grows" not in claims(section)


def test_a_training_that_diverged_is_told():
    short = trained("tanh", 0.0, 3)
    cut = {name: v[:2] if isinstance(v, list) else v for name, v in short.result.items()}
    found = page([*TRAINING, outcome(short.options, cut, 3)])["training"]
    assert found.notes == ["1 of 28 trainings ended early because they diverged."]


@pytest.mark.parametrize(
    ("gain", "limit", "seen"), [(0.2, 1.0, ("yes", "yes")), (-0.2, 1.5, ("no, the reverse", "no"))]
)
def test_what_scale_costs_follows_the_numbers(gain, limit, seen):
    section = page([scaled("tanh", s, gain=gain, limit=limit) for s in SEEDS])["scale"]
    told = claims(section)
    assert told["tanh: the first layer alone gains less accuracy than at scale 1, fixed steps"] == seen[0]
    assert told["tanh: at the largest scale N_eff is within a tenth of constant · N · p_z(0)"] == seen[1]
    assert told["tanh: thinner slabs leave more units unsupported than at scale 1"] == "yes"
    assert told["tanh: it is less coherent than at scale 1"] == "not clear"
    assert section.numbers["tanh"]["critical_median"] == pytest.approx(16.0)
    assert "has a median of 16.0 ± 2.5" in words(section)


def test_what_a_large_scale_costs_is_told_by_the_way_to_step():
    steady = [scaled("tanh", s) for s in SEEDS]
    assert "clearly less at the largest scale with both ways" in words(page(steady)["scale"])
    for o in steady:
        o.result["gain_relative"] = [0.1, 0.1, 0.1 + 0.01 * o.replicate]
    assert "how short a step is beside the weights" in words(page(steady)["scale"])
    assert "clearly less" not in words(page([scaled("tanh", s, gain=-0.2) for s in SEEDS])["scale"])


def test_accuracy_with_decay_is_told():
    assert "for none of the activations" in words(page(TRAINING)["training"])
    better = [trained("tanh", decay, s) for decay in (0.0, 0.1) for s in SEEDS]
    for o in better:
        o.result["accuracy"] = [0.1, 0.5, 0.9 * (o.options["decay"] > 0) + 0.01 * o.replicate]
    assert "than with 0 for tanh." in words(page(better)["training"])


def test_scales_are_drawn_with_their_level():
    figures = {figure.name: figure.info for figure in page(SCALE)["scale"].figures}
    assert [series.name for series in figures["effective"].series] == [
        "sigmoid", "sigmoid, asymptote", "tanh", "tanh, asymptote", "30 needed",
    ]  # fmt: skip
    np.testing.assert_allclose(figures["effective"].series[-1].y, 30)
    np.testing.assert_allclose(figures["effective"].series[0].x, [1, 2, 4])
    np.testing.assert_allclose(figures["critical"].series[0].x, LEVELS)


def test_activations_are_compared():
    section = page(ACTIVATION)["activation"]
    told = claims(section)
    assert told["trained: less of the error arrives through sigmoids than through tanh"] == "yes"
    assert told["trained: gates of sigmoid lie below their reference"] == "yes"
    assert section.numbers["sigmoid"]["change"] == pytest.approx(-2.9)
    assert section.numbers["tanh"]["gate_excess"] == pytest.approx(-0.21)
    assert "0.60 ± 0.25 (tanh)" in words(section)
    reverse = page([active("sigmoid", s, 2.0) for s in SEEDS] + [active("tanh", s, 0.0) for s in SEEDS])["activation"]
    assert claims(reverse)["trained: less of the error arrives through sigmoids than through tanh"] == "no, the reverse"


def test_epochs_to_the_goal():
    assert epochs_to([0.1, 0.5, 0.9, 0.8], 0.85) == 2
    assert epochs_to([0.9], 0.5) == 0
    assert epochs_to([0.1, 0.2], 0.5) is None
    section = page(START)["initialisation"]
    assert (
        "tanh: networks that reached the goal are 0 of 3 with torch's weights, 3 of 3 with Xavier's weights, after 8 "
        "epochs and 3 of 3 with weights scaled to the data, after 2 epochs." in words(section)
    )
    assert section.numbers["tanh, default"] == {"reached": 0, "of": 3}
    told = claims(section)
    assert told["tanh: scaled to the data it reaches the goal in fewer epochs than with Xavier's weights"] == "yes"
    assert told["tanh: scaling to the data leaves fewer hyperplanes outside the data than torch's weights"] == "yes"


def test_planted_slopes_are_found():
    section = page(DEPTH)["depth"]
    slopes = section.numbers["slopes"]
    assert slopes["sigmoid, default"] == pytest.approx(log(0.25) + 0.5 * log(1 / 3))
    assert slopes["relu, He"] == pytest.approx(0, abs=1e-9)
    told = claims(section)
    assert told["sigmoid with torch's default weights: the gradient vanishes with depth"] == "yes"
    assert told["tanh with He weights: the slope is within 0.1 of its reference, +0.347"] == "yes"
    assert "ReLU with He weights: the gradient vanishes with depth" not in told
    assert "sigmoid with torch's default weights, −1.936 ± 0.025 nats a layer" in words(section)
    means = dict(zip(section.tables[1].columns["weights"], section.tables[1].columns["mean gain"], strict=True))
    assert means["He"] == "0.3466"  # the output's weight is left out


def test_a_slope_off_its_reference_is_explained():
    section = page([deep("tanh", "He", d, s, extra=-0.3) for d in (2, 4) for s in SEEDS])["depth"]
    assert claims(section)["tanh with He weights: the slope is within 0.1 of its reference, +0.347"] == "no"
    assert "and not by +0.347: the mean gate is −0.3 where the reference is 0" in words(section)


def test_one_depth_has_no_slope():
    section = page([deep("tanh", "He", 2, s) for s in SEEDS])["depth"]
    assert "slopes are not determined" in words(section)
    assert set(claims(section).values()) == {"not measured"}


def test_a_lost_error_is_left_out_of_the_slope():
    rows = {d: [{"change": c}] for d, c in ((1, -1.0), (2, -2.0), (3, None), (4, -4.0))}
    assert slope(rows).value == pytest.approx(-1.0)


def test_failed_tasks_are_left_out():
    failed = [
        Outcome(options=o.options, replicate=9, state=State.FAILED, error="E") for o in OUTCOMES if o.replicate == 0
    ]
    first, second = page(OUTCOMES), page([*failed, *OUTCOMES])
    assert {key: section.numbers for key, section in first.items()} == {k: s.numbers for k, s in second.items()}


def test_parts_without_a_value_say_so():
    found = page(SCALE)
    assert found["depth"].notes == ["No network of this part has a value."]
    assert list(found["answers"].tables[0].columns["chapter"]) == ["The scale of the first layer"]
    nothing = page([])
    assert all(section.notes for key, section in nothing.items() if key != "answers")
    assert nothing["answers"].numbers["headline"]["relations"] == 0


def test_a_single_seed_is_no_evidence():
    found = page([o for o in OUTCOMES if o.replicate == 0])
    assert all(seen != "yes" for key in ("scale", "activation") for r, seen in claims(found[key]).items()
               if "within" not in r)  # fmt: skip


@pytest.mark.parametrize(
    ("value", "half", "seen"),
    [(1.0, 0.5, "yes"), (-1.0, 0.5, "no, the reverse"), (1.0, 1.5, "not clear"), (0.0, 0.0, "no"),
     (np.nan, np.nan, "not measured"), (1.0, np.nan, "not clear"), (1.0, 0.0, "yes")],
)  # fmt: skip
def test_a_difference_is_judged_by_its_interval(value, half, seen):
    assert judged("r", Mean(value=value, half=half, count=3), sign=1).seen == seen


@pytest.mark.parametrize(
    ("value", "half", "seen"),
    [(1.0, 0.05, "yes"), (1.2, 0.05, "no"), (1.1, 0.05, "not clear"), (1.0, 0.2, "not clear")],
)
def test_nearness_takes_the_interval_into_account(value, half, seen):
    assert near("r", Mean(value=value, half=half, count=3), target=1.0, within=0.1).seen == seen


def test_curves_of_different_lengths_and_without_numbers():
    made = curve([0, 1, 2], [[1.0, 2.0, None], [3.0]], "name")
    np.testing.assert_array_equal(made.y, [2.0, 2.0, np.nan])
    geometric = curve([1, 2], [[2.0, 0.0], [8.0, None]], "name", geometric=True)
    np.testing.assert_array_equal(geometric.y, [4.0, np.nan])
    nothing = curve([1], [[None]], "name")
    assert drawn("name", [nothing], xlabel="x", ylabel="y", title="t") == []


def test_small_words():
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed([]) == ""
    assert at([{"x": [1.0, None]}, {"x": [2.0]}], "x", 0) == [1.0, 2.0]
    assert at([{"x": [1.0, None]}, {"x": []}], "x") == []
    assert str(mean([-1.5, -1.5])) == "−1.5"
    assert summary([Part(section=page([])["depth"])]).tables == []
