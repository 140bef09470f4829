"""``inscape compile``: files, answers and refusals before anything is written."""

import json

import pytest
import torch

from inscape import load
from inscape.network import load as load_model
from inscape.regions import Box, boundary

SQUARE = {"box": {"low": [0, 0], "high": [1, 1]}}
FRAME = {"polygon": [[0, 0], [4, 0], [4, 4], [0, 4]], "holes": [[[1, 1], [3, 1], [3, 3], [1, 3]]]}


@pytest.fixture
def shapes(tmp_path):
    path = tmp_path / "shapes.json"
    path.write_text(json.dumps({"shapes": [FRAME]}))
    return path


def test_writes_a_model_that_others_open(run, shapes, tmp_path):
    out = tmp_path / "frame.pt2"
    answer = run("compile", shapes, "--scale", 10, "--activation", "relu", "--verify", "--json", "-o", out)
    found = json.loads(answer.out)
    assert answer.code == 0
    assert found["verdict"] == "exact"
    assert found["check: wrong"] == 0
    exact = boundary(load_model(found["model"]), Box(low=(-1, -1), high=(5, 5)))
    assert exact.class_areas.tolist() == pytest.approx([36 - 12, 12])
    program = torch.export.load(out).module()
    with torch.no_grad():
        named = program(torch.tensor([[0.5, 0.5], [2.0, 2.0]], dtype=torch.float64))[:, 0] > 0
    assert named.tolist() == [True, False]


def test_writes_a_result_and_a_map(run, shapes, tmp_path):
    out, picture = tmp_path / "frame.npz", tmp_path / "frame.png"
    answer = run("compile", shapes, "--scale", 30, "--margin", 0.2, "-o", out, "--map", picture)
    assert answer.code == 0
    built = load(out)
    assert (built.kind, built.margin, built.activation) == ("built", 0.2, "sigmoid")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "confidence at the margin" in answer.out
    assert f"≥ {built.certificate().confidence:.6g}" in answer.out


def test_classes(run, tmp_path):
    path = tmp_path / "shapes.json"
    path.write_text(
        json.dumps({"classes": {"a": [FRAME], "b": [{"box": {"low": [5, 5], "high": [6, 6]}}]}, "rest": "c"})
    )
    found = json.loads(run("compile", path, "--scale", 30, "-o", tmp_path / "m.pt2", "--json").out)
    assert found["classes"] == ["a", "b", "c"]
    assert found["confidence"] > 0.9


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--scale", 10, "-o", "m.pt"], ".pt2 or .npz"),
        (["--scale", 10, "-o", "m.pt2", "--map", "m.pdf"], ".png or .svg"),
        (["--scale", 10, "-o", "nowhere/m.pt2"], "cannot write nowhere/m.pt2"),
        (["--scale", 1, "--margin", 0.1, "-o", "m.pt2"], "raise it to"),
        (["--scale", -1, "-o", "m.pt2"], "scale > 0"),
    ],
)
def test_refusals(refused, shapes, tmp_path, monkeypatch, words, text):
    monkeypatch.chdir(tmp_path)
    assert text in refused("compile", shapes, *words)
    assert [item.name for item in tmp_path.iterdir()] == ["shapes.json"]


def test_a_map_needs_two_inputs(refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.json").write_text(json.dumps({"shapes": [{"box": {"low": [0], "high": [1]}}]}))
    assert "no map" in refused("compile", "s.json", "--scale", 9, "-o", "m.pt2", "--map", "m.png")
    assert [item.name for item in tmp_path.iterdir()] == ["s.json"]


def test_missing_and_broken_shapes(refused, tmp_path):
    assert "cannot read shapes" in refused("compile", tmp_path / "none.json", "--scale", 9, "-o", "m.pt2")
    refused("compile", tmp_path / "none.json", "-o", "m.pt2", code=2)
