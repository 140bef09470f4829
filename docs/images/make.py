"""The pictures of the texts. Run by `make pictures`."""

from pathlib import Path

import torch

import inscape
from inscape.plotting import save_figure
from inscape.regions import Box, HalfSpaces, Plane, Polygon, boundary, build, track

HERE = Path(__file__).parent


def digits() -> None:
    """A network on digits, cut by the plane through three images."""
    torch.manual_seed(0)
    X, y = inscape.data.load("digits")
    model = torch.nn.Sequential(torch.nn.Flatten(), *inscape.training.mlp([64, 32, 32, 10]))
    model = inscape.training.fit(model, (X, y), epochs=15, progress=False).model
    corners = [X[(y == digit).nonzero()[0, 0]] for digit in (0, 4, 7)]
    plane = Plane.through(*corners, margin=0.35)
    save_figure(boundary(model, plane).info(), HERE / "regions.png")


def built() -> None:
    """A network that was built from three classes of shapes."""
    shapes = {
        "frame": Polygon([(0, 0), (4, 0), (4, 4), (0, 4)], holes=[[(1, 1), (3, 1), (3, 3), (1, 3)]]),
        "corner": HalfSpaces([[1, 1], [-1, 0], [0, -1]], [3.9, -1.4, -1.4]),
        "L": Polygon([(5, 0), (7, 0), (7, 1.2), (6.2, 1.2), (6.2, 4), (5, 4)]),
    }
    save_figure(build(shapes, 12.0, rest="outside").info(), HERE / "building.png")


def tracked() -> None:
    """The last frame of a network in training."""
    pair = inscape.data.load("moons", n=200)
    tracker = track(Box(low=(-2.0, -1.5), high=(3.0, 2.0)), every=60, data=pair)
    recipe = inscape.training.Recipe(learning_rate=1e-2)
    model = inscape.training.mlp([2, 16, 16, 2])
    inscape.training.fit(model, pair, epochs=60, recipe=recipe, recorder=tracker, progress=False)
    save_figure(tracker.result().frame(), HERE / "tracking.png", dpi=110)


def main() -> None:
    """Train, cut, draw."""
    digits()
    built()
    tracked()


if __name__ == "__main__":
    main()
