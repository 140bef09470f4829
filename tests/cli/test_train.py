"""``inscape train``: files, resuming, and refusals before the work begins."""

import json

import numpy as np
import pytest
import torch

from inscape.results import load


def test_writes_model_and_history(run, tmp_path):
    answer = run("train", "mlp:8", "--data", "moons", "--epochs", 2, "-o", tmp_path / "m.pt", "--json")
    found = json.loads(answer.out)
    assert answer.code == 0
    assert sorted(item.name for item in tmp_path.iterdir()) == ["m.history.npz", "m.pt"]
    assert load(found["history"]).epochs == found["epochs"] == 2
    state = torch.load(found["model"], weights_only=True)
    assert [tuple(value.shape) for value in state.values()] == [(8, 2), (8,), (2, 8), (2,)]


def test_the_same_seed_gives_the_same_weights_in_every_format(run, tmp_path):
    from safetensors.torch import load_file

    words = ("train", "mlp:4", "--data", "moons", "--epochs", 1, "--seed", 3, "-o")
    assert {run(*words, tmp_path / f"m.{kind}").code for kind in ("pt", "safetensors", "pt2")} == {0}
    first = torch.load(tmp_path / "m.pt", weights_only=True)
    second = load_file(tmp_path / "m.safetensors")
    third = torch.export.load(tmp_path / "m.pt2").state_dict
    assert all(torch.equal(value, second[name]) and torch.equal(value, third[name]) for name, value in first.items())


def test_an_interrupted_run_goes_on(run, tmp_path):
    words = ["train", "mlp:4", "--data", "moons", "--seed", 1]
    assert run(*words, "--epochs", 3, "-o", tmp_path / "whole.pt").code == 0
    part = [*words, "--checkpoint", tmp_path / "state", "-o", tmp_path / "part.pt"]
    assert run(*part, "--epochs", 1).code == 0
    assert run(*part, "--epochs", 3).code == 0
    whole, again = (torch.load(tmp_path / name, weights_only=True) for name in ("whole.pt", "part.pt"))
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    histories = [load(tmp_path / f"{name}.history.npz") for name in ("whole", "part")]
    np.testing.assert_array_equal(histories[0].loss, histories[1].loss)


def test_images_are_flattened_for_an_mlp(run, tmp_path):
    words = ("train", "mlp:4", "--data", "digits", "--data-option", "flat=false", "--epochs", 1)
    assert run(*words, "-o", tmp_path / "m.pt").code == 0
    assert torch.load(tmp_path / "m.pt", weights_only=True)["1.weight"].shape == (4, 64)


def test_people_get_facts(run, tmp_path):
    answer = run("train", "mlp:4", "--data", "moons", "--epochs", 1, "-o", tmp_path / "m.pt")
    assert "Trained" in answer.out
    assert "test accuracy" in answer.out
    assert str(tmp_path / "m.pt") in answer.out.replace("\n", "")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["mlp:8", "--data", "mons", "-o", "m.pt"], "did you mean 'moons'"),
        (["mlp:8", "-o", "m.pt"], "write --data NAME"),
        (["mlp:8", "--data", "moons", "-o", "m.pkl"], ".pt2, .safetensors, .pt"),
        (["mlp:8", "--data", "moons", "-o", "nowhere/m.pt"], "cannot write nowhere/m.pt"),
        (["mlp:8,x", "--data", "moons", "-o", "m.pt"], "mlp:64,64"),
        (["mlp:0", "--data", "moons", "-o", "m.pt"], "mlp:64,64"),
        (["resnet", "--data", "moons", "-o", "m.pt"], "resnet"),
        (["small-convnet", "--data", "moons", "-o", "m.pt"], "shape"),
        (["mlp:8", "--data", "moons", "--epochs", "0", "-o", "m.pt"], "epochs"),
        (["mlp:8", "--data", "moons", "--test-share", "2", "-o", "m.pt"], "0 < test < 1"),
        (["mlp:8", "--data", "moons", "--optimizer", "lion", "-o", "m.pt"], "adamw"),
        (["mlp:8", "--data", "moons", "--data-option", "n", "-o", "m.pt"], "KEY=VALUE"),
        (["mlp:8", "--data", "moons", "--data-option", "colour=1", "-o", "m.pt"], "colour"),
    ],
)
def test_refusals(refused, tmp_path, monkeypatch, words, text):
    monkeypatch.chdir(tmp_path)
    assert text in refused("train", *words)
    assert list(tmp_path.iterdir()) == []
