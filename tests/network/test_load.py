"""Models from factories, modules and weights files."""

import inspect
import os

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from inscape import network
from inscape._errors import FileFormatError, InputError, InputTypeError, ModelError

FACTORIES = """
from torch import nn

def make():
    return nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))

class Zoo:
    small = staticmethod(lambda: nn.Linear(2, 1))

ready = nn.Linear(4, 1)
number = 3
"""


@pytest.fixture
def factories(tmp_path, monkeypatch):
    """A module with factories on the path."""
    (tmp_path / "zoo_of_models.py").write_text(FACTORIES)
    monkeypatch.syspath_prepend(tmp_path)
    return "zoo_of_models"


def test_a_module_is_returned_as_it_is():
    model = nn.Linear(2, 1)
    assert network.load(model) is model


def test_factories(factories):
    assert len(network.load(f"{factories}:make")) == 3
    assert network.load(f"{factories}:Zoo.small").in_features == 2
    assert network.load(f"{factories}:ready").in_features == 4


def test_names_that_lead_nowhere(factories):
    with pytest.raises(InputError, match="expected an importable module in 'no_such_module:make'"):
        network.load("no_such_module:make")
    with pytest.raises(InputError, match="but it has no 'nothing'"):
        network.load(f"{factories}:nothing")
    with pytest.raises(InputTypeError, match=r"to give a torch\.nn\.Module, got int"):
        network.load(f"{factories}:number")
    for text in ("make", "a:b:c", "rm -rf:x", "model.h5"):
        with pytest.raises(InputError, match=r"expected 'package\.module:factory'"):
            network.load(text)
    with pytest.raises(InputTypeError, match="got int"):
        inspect.unwrap(network.load)(3)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth"])
def test_weights(factories, tmp_path, suffix):
    source = network.load(f"{factories}:make")
    path = tmp_path / f"weights{suffix}"
    if suffix == ".safetensors":
        save_file(source.state_dict(), path)
    else:
        torch.save(source.state_dict(), path)
    model = network.load(f"{factories}:make", weights=path)
    assert network.model_fingerprint(model) == network.model_fingerprint(source)


def test_weights_that_do_not_fit(factories, tmp_path):
    torch.save(nn.Linear(5, 5).state_dict(), path := tmp_path / "weights.pt")
    with pytest.raises(ModelError, match="do not fit the model"):
        network.load(f"{factories}:make", weights=path)


class Touch:
    """Creates a folder when it is unpickled."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)


def test_hostile_and_damaged_weights(factories, tmp_path):
    marker = tmp_path / "touched"
    torch.save({"0.weight": Touch(marker)}, tmp_path / "hostile.pt")
    (tmp_path / "damaged.pt").write_bytes(b"PK\x03\x04 nothing")
    (tmp_path / "empty.pth").write_bytes(b"")
    (tmp_path / "damaged.safetensors").write_bytes(b"\xff" * 40)
    torch.save([1, 2], tmp_path / "list.pt")
    torch.save(nn.Linear(2, 1), tmp_path / "model.pt")
    for name in (
        "hostile.pt",
        "damaged.pt",
        "empty.pth",
        "damaged.safetensors",
        "list.pt",
        "model.pt",
        "none.pt",
        "a.npz",
    ):
        with pytest.raises(FileFormatError, match=name):
            network.load(f"{factories}:make", weights=tmp_path / name)
    assert not marker.exists()
