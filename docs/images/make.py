"""The picture of the README: a network on digits, cut by the plane through three images. Run by `make pictures`."""

from pathlib import Path

import torch

import inscape
from inscape.plotting import save_figure
from inscape.regions import Plane, boundary


def main() -> None:
    """Train, cut, draw."""
    torch.manual_seed(0)
    X, y = inscape.data.load("digits")
    model = torch.nn.Sequential(torch.nn.Flatten(), *inscape.training.mlp([64, 32, 32, 10]))
    model = inscape.training.fit(model, (X, y), epochs=15, progress=False).model
    corners = [X[(y == digit).nonzero()[0, 0]] for digit in (0, 4, 7)]
    plane = Plane.through(*corners, margin=0.35)
    save_figure(boundary(model, plane).info(), Path(__file__).with_name("regions.png"))


if __name__ == "__main__":
    main()
