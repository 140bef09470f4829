"""``inscape info``: models and result files, the good and the hostile."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest

FACTORY = """
from torch import nn

def plain():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 4 * 4, 3), nn.Softmax(dim=1))

def smooth():
    return nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2))

def number():
    return 7
"""


@pytest.fixture
def factory(tmp_path, monkeypatch):
    """A module of the user in the folder where the command runs; its name is new in every test."""
    name = f"nets_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(FACTORY)
    monkeypatch.chdir(tmp_path)
    return name


def test_model_file_as_json(run, moons):
    answer = run("info", moons, "--data", "moons", "--json")
    found = json.loads(answer.out)
    assert (answer.code, answer.err) == (0, "")
    assert (found["input"], found["output"], found["piecewise-linear units"]) == ("2", "2", 16)
    assert found["exact regions"].startswith("yes")
    assert sum(layer["units"] for layer in found["layers"]) == 16


def test_model_file_states_its_shape(run, moons):
    assert json.loads(run("info", moons, "--json").out)["input"] == "2"


def test_factory_in_this_folder(run, factory):
    answer = run("info", f"{factory}:plain", "--shape", "1,6,6")
    assert answer.code == 0
    assert all(word in answer.out for word in ("Conv2d", "ReLU", "Softmax", "1 × 6 × 6", "yes: every unit"))


def test_smooth_networks_are_told_why_not(run, factory):
    found = json.loads(run("info", f"{factory}:smooth", "--json").out)
    assert found["exact regions"].startswith("no: ")
    assert "Tanh" in found["exact regions"]


def test_result_file(run, moons):
    history = moons.with_name("moons.history.npz")
    found = json.loads(run("info", history, "--json").out)
    assert (found["kind"], found["epochs"], found["made by"]) == ("history", 2, "inscape.training.fit")
    assert "history" in run("info", history).out


class Hostile:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return (open, ("stolen", "w"))


def hostile_pt2(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/archive_format", "pt2")
        archive.writestr("model/data/constants/tensor_0", pickle.dumps(Hostile()))
        archive.writestr("model/data/sample_inputs/model.pt", pickle.dumps(Hostile()))


@pytest.mark.parametrize("kind", ["hostile.pt2", "empty.pt2", "text.pt2", "foreign.npz", "cut.npz", "pickled.npz"])
def test_bad_files_run_nothing_and_are_one_line(refused, tmp_path, monkeypatch, moons, kind):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / kind
    if kind == "hostile.pt2":
        hostile_pt2(path)
    elif kind == "foreign.npz":
        np.savez(path, a=np.zeros(3))
    elif kind == "pickled.npz":
        np.savez(path, header=np.array([Hostile()], dtype=object), allow_pickle=True)
    elif kind == "cut.npz":
        path.write_bytes(moons.with_name("moons.history.npz").read_bytes()[:200])
    else:
        path.write_bytes(b"" if kind == "empty.pt2" else b"no archive")
    assert kind in refused("info", path)
    assert not (tmp_path / "stolen").exists()


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
@pytest.mark.parametrize("content", [b"", b"junk", pickle.dumps(Hostile())])
def test_bad_weights(refused, factory, tmp_path, suffix, content):
    path = tmp_path / f"weights.{suffix}"
    path.write_bytes(content)
    assert str(path) in refused("info", f"{factory}:smooth", "--weights", path)
    assert not (tmp_path / "stolen").exists()


def test_weights_that_do_not_fit(refused, factory, tmp_path):
    import torch

    torch.save({"0.weight": torch.zeros(3, 3)}, tmp_path / "w.pt")
    assert "do not fit" in refused("info", f"{factory}:smooth", "--weights", tmp_path / "w.pt")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["nowhere.pt2"], "nowhere.pt2"),
        (["nowhere.npz"], "there is no file nowhere.npz"),
        (["resnet"], "package.module:factory"),
        (["no.such.module:net"], "importable module"),
        (["FACTORY:absent"], "absent"),
        (["FACTORY:number"], "torch.nn.Module"),
        (["FACTORY:plain"], "--shape"),
        (["FACTORY:plain", "--shape", "1,x"], "1,28,28"),
        (["FACTORY:plain", "--shape", "0"], "1,28,28"),
        (["FACTORY:plain", "--shape", "3,3"], "shape"),
        (["FACTORY:smooth", "--weights", "w.bin"], ".safetensors"),
    ],
)
def test_refusals(refused, factory, words, text):
    assert text in refused("info", *(word.replace("FACTORY", factory) for word in words))


def test_damaged_result_in_memory_is_not_confused(run, tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, header=np.frombuffer(b"[1, 2]", dtype=np.uint8))
    (tmp_path / "list.npz").write_bytes(buffer.getvalue())
    assert run("info", tmp_path / "list.npz").code == 1
