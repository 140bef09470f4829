"""``inscape diagnose``: a verdict for people and machines, a page, files, and refusals."""

import csv
import json
from math import log

import pytest
import torch

from inscape.network import save_pt2
from inscape.results import load
from inscape.training import mlp


@pytest.fixture(scope="module")
def sick(tmp_path_factory):
    """A network for digits whose third layer is far too small."""
    model = mlp([64, 24, 24, 24, 24, 10], rng=0)
    model[4].weight.data.mul_(0.01)
    return save_pt2(model.eval(), torch.zeros(2, 64), tmp_path_factory.mktemp("sick") / "sick.pt2")


def test_machines_get_cause_layer_and_budget(run, sick):
    answer = run("diagnose", sick, "--data", "digits", "--samples", 200, "--json")
    found = json.loads(answer.out)
    assert answer.code == 0
    assert (found["cause"], found["layer"]) == ("small_weights", "4")
    assert found["samples"] == 200
    assert sum(found["budget"]["terms"]["nats"]) == pytest.approx(found["budget"]["log_gradient"])
    assert found["change_after"] - found["change"] == pytest.approx(log(100), abs=0.8)


def test_people_get_the_terms_and_a_sentence(run, sick):
    answer = run("diagnose", sick, "--data", "digits", "--samples", 200, "--layer", "2")
    text = " ".join(answer.out.split())
    assert "The gradient of layer 2, from the output on" in text
    assert "The weights of layer 4 are far smaller than its peers'" in text
    assert "Multiply the weight of 4 by" in text


def test_a_page_a_table_a_result_and_a_picture(run, sick, tmp_path):
    words = ("diagnose", sick, "--data", "digits", "--samples", 100, "-o")
    for name in ("page", "layers.csv", "found.npz", "budget.png"):
        assert run(*words, tmp_path / name).code == 0
    page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    assert "layer 4" in page
    numbers = json.loads((tmp_path / "page" / "numbers.json").read_text(encoding="utf-8"))
    assert "small_weights" in json.dumps(numbers)
    with (tmp_path / "layers.csv").open(encoding="utf-8") as file:
        assert [row["layer"] for row in csv.DictReader(file)] == ["0", "2", "4", "6", "8"]
    assert load(tmp_path / "found.npz").verdict.layer == "4"
    assert (tmp_path / "budget.png").read_bytes().startswith(b"\x89PNG")


def test_an_unknown_mode_is_wrong_usage(refused, sick):
    assert "test" in refused("diagnose", sick, "--data", "digits", "--mode", "test", code=2)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--data", "digits", "--loss", "hinge"), "expected --loss as one of cross-entropy, squared, got 'hinge'"),
        (("--data", "digits", "--layer", "9"), "expected a layer among 0, 2, 4, 6, 8, got '9'"),
        (("--data", "digits", "-o", "found.txt"), "expected -o to end in"),
        ((), "this needs samples"),
    ],
)
def test_what_does_not_fit_is_said(refused, sick, words, text):
    assert text in refused("diagnose", sick, *words)
