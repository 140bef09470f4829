"""``inscape regions``: the library's counts, on boxes and planes, as text, JSON and files."""

import json

import pytest

from inscape import network, regions
from inscape.geometry import Box
from inscape.results import load

FACTORY = """
import torch
from torch import nn

def tent():
    net = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1))
    net[0].weight.data[:, 0], net[0].bias.data[:] = 1, net[0].bias.data * 0
    net[0].bias.data[1] = -0.5
    return net

def tilted():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    net[0].weight.data[:] = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
    net[0].bias.data[:] = 0
    net[2].weight.data[:] = torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0]])
    net[2].bias.data[:] = torch.tensor([1.0, 1.0])
    return net

def wide():
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))

def smooth():
    return nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2))
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The command runs in a folder of its own, where a module of the user stands."""
    name = f"made_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(FACTORY)
    monkeypatch.chdir(tmp_path)
    return name


def test_box_counts_are_those_of_the_library(run, moons):
    found = json.loads(run("regions", "count", moons, "--low=-2,-1", "--high=3,2", "--json").out)
    box = Box(low=(-2.0, -1.0), high=(3.0, 2.0))
    exact = regions.partition(network.load(str(moons)), box)
    assert found["cells"] == exact.cell_count == found["activation"]
    assert (found["verdict"], found["status"]) == ("exact", "exact")


def test_one_number_stands_for_all_coordinates(run, moons):
    both, single = (
        json.loads(run("regions", "count", moons, f"--low={low}", f"--high={high}", "--json").out)["cells"]
        for low, high in (("-1,-1", "1,1"), ("-1", "1"))
    )
    assert both == single


def test_one_input_is_cut_into_intervals(run, here):
    found = json.loads(run("regions", "count", f"{here}:tent", "--low=-1", "--high=1", "--json").out)
    assert found["cells"] == 3  # breaks at 0 and 1/2


@pytest.mark.parametrize("plane", ["samples", "pca"])
def test_planes_through_data(run, tmp_path, plane):
    model = tmp_path / "m.pt2"
    assert run("train", "mlp:6", "--data", "digits", "--epochs", 1, "-o", model).code == 0
    answer = run("regions", "count", model, "--data", "digits", "--plane", plane)
    assert answer.code == 0
    assert ("three samples" if plane == "samples" else "differ most") in answer.out
    assert "exact" in answer.out


@pytest.mark.parametrize("suffix", ["npz", "png", "svg", "html", "csv", "graphml", "ine"])
def test_files(run, moons, here, tmp_path, suffix):
    path = tmp_path / f"regions.{suffix}"
    answer = run("regions", "count", moons, "--data", "moons", "-o", path, "--json")
    found = json.loads(answer.out)
    assert found["written"] == str(path)
    if suffix == "npz":
        assert load(path).cell_count == found["cells"]
        assert json.loads(run("info", path, "--json").out)["cells"] == found["cells"]
    elif suffix == "graphml":
        assert path.read_text().count("<node ") == found["cells"]
    elif suffix == "ine":
        assert path.read_text().count("H-representation") == found["cells"]
    elif suffix == "csv":
        assert len(path.read_text().splitlines()) == 1 + found["cells"]
    else:
        assert path.stat().st_size > 1000


def test_plot_draws_classes_and_boundary(run, moons, here, tmp_path):
    path = tmp_path / "plane.png"
    assert run("regions", "plot", moons, "--data", "moons", "-o", path).code == 0
    assert path.stat().st_size > 1000


def test_boxes_in_space_are_counted_audited_and_drawn(run, here, tmp_path):
    """Three walls and one plane through the corner where they meet: 2³ octants, of which the plane cuts six."""
    words = (f"{here}:tilted", "--low=-1", "--high=1")
    assert json.loads(run("regions", "count", *words, "--json").out)["cells"] == 14
    assert json.loads(run("regions", "verify", *words, "--json").out)["passed"] is True
    for command, name in (("plot", "p.png"), ("boundary", "b.png"), ("boundary", "b.html")):
        assert run("regions", command, *words, "-o", tmp_path / name).code == 0
        assert (tmp_path / name).stat().st_size > 10_000
    found = json.loads(run("regions", "bounds", *words, "--json").out)
    assert found["table"]["regions"][-1] == 14 == found["sample"]["observed"]


def test_plot_of_one_input_is_its_output_over_the_pieces(run, here, tmp_path):
    assert run("regions", "plot", f"{here}:tent", "--low=-1", "--high=1", "-o", tmp_path / "tent.svg").code == 0
    assert "3 pieces" in (tmp_path / "tent.svg").read_text()


def test_plot_says_where_there_is_none(refused, here):
    assert "dimension 4 has no picture" in refused(
        "regions", "plot", f"{here}:wide", "--low=-1", "--high=1", "-o", "x.png"
    )


def test_plot_needs_a_file(refused, here, moons):
    assert "-o FILE" in refused("regions", "plot", str(moons), "--data", "moons")


def test_boundary_is_that_of_the_library(run, moons):
    found = json.loads(run("regions", "boundary", moons, "--low=-2,-1", "--high=3,2", "--json").out)
    exact = regions.boundary(network.load(str(moons)), Box(low=(-2.0, -1.0), high=(3.0, 2.0)))
    assert (found["pieces"], found["components"]) == (len(exact.pairs), exact.components)


def test_boundary_between_two_classes(run, moons):
    both = json.loads(run("regions", "boundary", moons, "--low=-2", "--high=2", "--between=1,0", "--json").out)
    assert (
        both["pieces"] == json.loads(run("regions", "boundary", moons, "--low=-2", "--high=2", "--json").out)["pieces"]
    )


@pytest.mark.parametrize("text", ["1", "1,2,3", "a,b"])
def test_between_is_a_pair(refused, here, moons, text):
    assert "two classes" in refused("regions", "boundary", str(moons), "--low=-1", "--high=1", f"--between={text}")


def test_bounds_stand_beside_the_count(run, moons, tmp_path):
    path = tmp_path / "bounds.csv"
    table = json.loads(run("regions", "bounds", moons, "--low=-2", "--high=2", "--json", "-o", path).out)["table"]
    count = regions.partition(network.load(str(moons)), Box(low=(-2.0, -2.0), high=(2.0, 2.0))).count("activation")
    assert (table["quantity"][-1], table["regions"][-1], table["gap"][-1]) == ("counted", count, 0)
    assert all(value >= count for says, value in zip(table["says"], table["regions"], strict=True) if says == "at most")
    assert len(path.read_text().splitlines()) == 1 + len(table["regions"])
    assert table["quantity"][-2] == "estimate from 2,000 random points (Chao1)"
    assert "Serra" in run("regions", "bounds", moons, "--low=-2", "--high=2").out


def test_verify_passes_and_says_so(run, moons):
    answer = run("regions", "verify", moons, "--low=-2", "--high=2", "--json")
    assert (answer.code, json.loads(answer.out)["passed"]) == (0, True)


def test_a_limit_is_a_status_and_no_error(run, moons):
    found = json.loads(run("regions", "count", moons, "--low=-2", "--high=2", "--max-cells", 3, "--json").out)
    assert found["verdict"] == "limit"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["MOONS"], "either a box"),
        (["MOONS", "--data", "moons", "--low=-1", "--high=1"], "either a box"),
        (["MOONS", "--low=-1"], "both --low and --high"),
        (["MOONS", "--low=1", "--high=-1"], "low < high"),
        (["MOONS", "--low=0,0", "--high=0,1"], "low < high"),
        (["MOONS", "--low=a,b", "--high=1"], "numbers with commas"),
        (["MOONS", "--low=nan", "--high=1"], "finite"),
        (["MOONS", "--low=-1,-1,-1", "--high=1"], "2 inputs"),
        (["MOONS", "--data", "mons"], "did you mean 'moons'"),
        (["MOONS", "--data", "digits"], "shape"),
        (["MOONS", "--low=-1", "--high=1", "-o", "r.pdf"], ".npz, .png"),
        (["MOONS", "--low=-1", "--high=1", "-o", "nowhere/r.npz"], "nowhere"),
        (["MOONS", "--low=-1", "--high=1", "-o", "nowhere/r.png"], "nowhere"),
        (["MOONS", "--low=-1", "--high=1", "--max-cells", "0"], "max_cells"),
        (["HERE:smooth", "--low=-1", "--high=1"], "Tanh"),
        (["HERE:tent", "--data", "npz:absent.npz"], "absent.npz"),
        (["absent.pt2", "--low=-1", "--high=1"], "absent.pt2"),
    ],
)
def test_refusals(refused, here, moons, words, text):
    assert text in refused(
        "regions", "count", *(word.replace("MOONS", str(moons)).replace("HERE", here) for word in words)
    )
