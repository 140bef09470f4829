"""Small contexts and one page of two networks, made once."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from inscape import data
from inscape.network import read
from inscape.report import write_page
from inscape.results import Context
from inscape.training import fit, mlp

TITLE = "Two <b>small</b> networks & their regions"


def context_of(model: nn.Module, x: Any, y: Any, **more: Any) -> Context:
    options = {"resolution": 24, "distance_samples": 4, "distance_seconds": 2.0}
    settings = {"name": "net", "max_cells": 2000, "options": options} | more
    return Context(model=model, network=read(model, example=x[:1]), x=x, y=y, **settings)


@pytest.fixture(scope="session")
def digits() -> Context:
    """A trained MLP on digits with its history."""
    x, y = data.load("digits")
    done = fit(mlp([64, 12, 12, 10]), (x[:600], y[:600]), epochs=4, test=(x[600:800], y[600:800]))
    names = tuple("0123456789")
    return context_of(
        done.model,
        x[600:800],
        y[600:800],
        name="MLP <i>one</i>",
        data_name="digits",
        classes=names,
        history=done.history,
    )


@pytest.fixture(scope="session")
def images() -> Context:
    """An untrained conv net with pooling and a head, on small images."""
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, 4), nn.Softmax(dim=1)
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    x, y = data.load("digits", flat=False)
    kept = y < 4
    return context_of(model, x[kept][:60], y[kept][:60], name="Conv net", data_name="digits below 4")


@pytest.fixture(scope="session")
def page(digits, images, tmp_path_factory) -> Path:
    """The page of both networks; ``index.html``."""
    return write_page(
        [digits, replace(images, max_cells=500)], out=tmp_path_factory.mktemp("report") / "out", title=TITLE
    )


@pytest.fixture
def planar() -> Callable[..., Context]:
    """Contexts of networks with two inputs."""

    def make(model: nn.Module, n: int = 100, **more: Any) -> Context:
        x, y = data.load("moons", n=n)
        return context_of(model, x, y, data_name="moons", **more)

    return make
