"""ONNX files on the command line: info, regions and report, and what cannot be opened."""

import json

import numpy as np
import pytest

from inscape import network, regions
from inscape.geometry import Box


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    """Two inputs, two classes, a Softmax on top, the number of samples fixed to one."""
    import onnx

    nodes = "{ a = Gemm <transB=1> (x, w, b) r = Relu (a) l = Gemm (r, v) y = Softmax (l) }"
    head = '<ir_version: 8, opset_import: ["" : 13]> n (float[1,2] x) => (float[1,2] y)'
    model = onnx.parser.parse_model(f"{head} {nodes}")
    rng = np.random.default_rng(0)
    for name, shape in (("w", (8, 2)), ("b", (8,)), ("v", (8, 2))):
        model.graph.initializer.append(onnx.numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name))
    path = tmp_path_factory.mktemp("models") / "net.onnx"
    onnx.save(model, path)
    return path


def test_info(run, net):
    found = json.loads(run("info", net, "--json").out)
    assert (found["input"], found["output"], found["parameters"]) == ("2", "2", 8 * 2 + 8 + 8 * 2)
    assert (found["piecewise-linear units"], found["head taken off"]) == (8, "Softmax")
    assert [row["module"] for row in found["layers"]] == ["input", "Gemm_0", "Relu_1", "Gemm_2", "Softmax_3"]
    assert "Relu_1" in run("info", net).out


def test_regions_are_those_of_the_library(run, net, tmp_path):
    found = json.loads(run("regions", "count", net, "--low=-2", "--high=2", "-o", tmp_path / "cells.npz", "--json").out)
    cells = regions.partition(network.load(net), Box(low=(-2, -2), high=(2, 2)))
    assert found["cells"] == cells.cell_count > 8
    assert found["status"] == "exact"
    on_data = json.loads(run("regions", "count", net, "--data", "moons", "--json").out)
    assert on_data["cells"] > 0


def test_report(run, net, tmp_path):
    answer = run("report", net, "--data", "moons", "--samples", 40, "-o", tmp_path / "page", "--json")
    assert answer.code == 0, answer.err
    assert "net" in (tmp_path / "page" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "text"),
    [(None, "cannot read"), (b"", "no valid|uses version none"), (b"\xff\xff\xff", "no intact ONNX file")],
)
def test_bad_files_are_one_line(refused, tmp_path, content, text):
    path = tmp_path / "bad.onnx"
    if content is not None:
        path.write_bytes(content)
    line = refused("info", path)
    assert "bad.onnx" in line
    assert any(part in line for part in text.split("|"))
