"""The report as files: page, numbers and pictures agree, and the model stays as it was."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from inscape._errors import InputError, OutputError
from inscape.network import read
from inscape.regions import counting, partition
from inscape.report import write, write_page
from inscape.results import Context, Section
from inscape.training import mlp


def numbers(page):
    return json.loads((page.parent / "numbers.json").read_text(encoding="utf-8"))


def test_folder_holds_page_numbers_and_pictures(page):
    found = numbers(page)
    assert sorted(item.name for item in page.parent.iterdir()) == ["figures", "index.html", "numbers.json"]
    named = {name for part in found["parts"] for figure in part["figures"] for name in figure["files"]}
    assert named == {f"figures/{item.name}" for item in (page.parent / "figures").iterdir()}
    pictures = [item for item in (page.parent / "figures").iterdir() if item.suffix == ".png"]
    assert all(item.read_bytes().startswith(b"\x89PNG") for item in pictures)
    assert any(name.endswith(".svg") for name in named)


def test_page_is_whole_and_small(page):
    text = page.read_text(encoding="utf-8")
    assert len(text.encode()) <= 15_000_000
    assert text.rstrip().endswith("</html>")
    assert text.count("plotly.js v") == 1
    assert "MLP &lt;i&gt;one&lt;/i&gt;" in text
    assert "Two &lt;b&gt;small&lt;/b&gt; networks" in text


def test_parts_and_sections_in_order(page):
    found = numbers(page)
    assert [part["name"] for part in found["parts"]] == ["MLP <i>one</i>", "Conv net"]
    for part in found["parts"]:
        assert list(part["sections"]) == [
            "network",
            "regions",
            "boundary",
            "distance",
            "confidence",
            "gradients",
            "units",
            "counts",
            "provenance",
        ]


def test_numbers_are_those_of_the_library(page, digits):
    sections = numbers(page)["parts"][0]["sections"]
    with torch.no_grad():
        right = (digits.model(digits.x).argmax(1) == digits.y).float().mean().item()
    assert sections["network"]["accuracy"] == pytest.approx(right, abs=1e-6)
    assert sections["network"]["units"] == 24
    assert sections["network"]["parameters"] == sum(p.numel() for p in digits.model.parameters())
    assert sections["network"]["history"]["epoch"] == [1, 2, 3, 4]
    assert sections["counts"]["bounds"]["Raghu et al. 2017"]["log10"] == pytest.approx(
        np.log10(counting.raghu_upper([12, 12], 2))
    )


def test_counts_are_those_of_partition_on_the_same_window(digits):
    from inscape.regions._views import planes, views

    seen = views(digits)
    assert [view.key for view in seen] == ["samples", "pca"] == [view.key for view in planes(digits)]
    for view in seen:
        again = partition(digits.model, view.plane)
        assert view.partition.cell_count == again.cell_count <= digits.max_cells * 2
        assert view.boundary.domain is view.plane or view.boundary.length > 0


def test_a_window_is_cut_to_the_wanted_number_and_says_so(digits):
    from inscape.regions import _section
    from inscape.regions._views import planes, views

    small = replace(digits, max_cells=40)
    whole, cut = planes(small), views(small)
    for before, after in zip(whole, cut, strict=True):
        assert after.share < 1
        assert after.partition.cell_count <= 80
        np.testing.assert_allclose(
            after.plane.high - after.plane.low, after.share * (before.plane.high - before.plane.low)
        )
    notes = _section.section(small).notes
    assert len(notes) == 2
    assert all(
        re.search(r"the window is \d+% of the one asked for .* cuts windows to about 40", note) for note in notes
    )


def test_first_plane_goes_through_three_samples_of_different_classes(digits):
    from inscape.regions._views import planes

    view = planes(digits)[0]
    assert len(set(view.labels)) == 3
    points = view.plane.embed(view.points)
    samples = digits.x.numpy().reshape(len(digits.x), -1)
    gaps = np.linalg.norm(points[:, None] - samples[None], axis=2)
    assert gaps.min(1).max() < 1e-5
    np.testing.assert_array_equal(digits.y.numpy()[gaps.argmin(1)], view.labels)


def test_two_inputs_show_the_whole_input_space(planar):
    from inscape.regions._views import views

    (view,) = views(planar(mlp([2, 8, 2])))
    assert view.key == "input"
    np.testing.assert_array_equal(view.plane.basis, np.eye(2))
    assert view.partition.cell_count == partition(planar(mlp([2, 8, 2])).model, view.plane).cell_count


def test_smooth_networks_get_maps_but_no_regions(planar, tmp_path):
    smooth = planar(nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2)))
    page = write_page([smooth], out=tmp_path / "out")
    sections = numbers(page)["parts"][0]["sections"]
    assert list(sections) == [
        "network", "regions", "distance", "confidence", "gradients", "units", "provenance",
    ]  # fmt: skip
    assert "Tanh" in sections["regions"]["views"]["input"]["problem"]
    assert "no exact regions" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "model",
    [
        mlp([2, 6, 1]),
        nn.Linear(2, 3),
        nn.Sequential(nn.Linear(2, 5), nn.LeakyReLU(), nn.Linear(5, 2), nn.Softmax(dim=1)),
    ],
    ids=["one output", "affine", "leaky with head"],
)
def test_other_networks_of_two_inputs(planar, tmp_path, model):
    page = write_page([planar(model)], out=tmp_path / "out")
    counts = numbers(page)["parts"][0]["sections"]["counts"]["counts"]["input"]
    assert counts["activation"] >= 1
    assert counts["status"] == "exact"


def test_one_input_is_said_in_words(tmp_path):
    model = mlp([1, 4, 2])
    page = write(model, x=torch.linspace(0, 1, 20)[:, None], out=tmp_path / "out")
    assert "a single input, so there is no plane" in page.read_text(encoding="utf-8")
    assert list(numbers(page)["parts"][0]["sections"]) == ["network", "regions", "distance", "provenance"]


@pytest.mark.parametrize("case", ["one class", "no labels", "targets", "two samples", "equal samples"])
def test_data_of_every_kind(tmp_path, case):
    x, y = torch.rand(12, 5, generator=torch.Generator().manual_seed(0)), torch.arange(12) % 3
    x, y = {
        "one class": (x, y * 0),
        "no labels": (x, None),
        "targets": (x, y / 3),
        "two samples": (x[:2], y[:2]),
        "equal samples": (x[:1].repeat(5, 1), y[:5]),
    }[case]
    page = write(mlp([5, 6, 3]), x=x, y=y, out=tmp_path / "out")
    assert numbers(page)["parts"][0]["sections"]["counts"]["counts"]


def test_the_model_and_the_random_state_are_untouched(planar, tmp_path):
    model = nn.Sequential(nn.Linear(2, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(), nn.Linear(6, 2)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    write_page([planar(model)], out=tmp_path / "out")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(module.training for module in model.modules())
    assert torch.equal(torch.get_rng_state(), state)


def test_same_seed_same_numbers(planar, tmp_path):
    pages = [write_page([planar(mlp([2, 8, 2]))], out=tmp_path / name) for name in "ab"]
    first, second = (numbers(page)["parts"][0]["sections"] for page in pages)
    for found in (first, second):
        del found["provenance"]["created"]
    assert first == second


def test_nothing_is_written_when_a_section_fails(planar, tmp_path, monkeypatch):
    def failing(context: Context) -> Section | None:
        raise InputError("no")

    monkeypatch.setattr("inscape.report._write.SECTIONS", (failing,))
    with pytest.raises(InputError, match="no"):
        write_page([planar(mlp([2, 4, 2]))], out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_folder_is_refused_before_the_work(planar, tmp_path, monkeypatch):
    def working(context: Context) -> Section | None:
        pytest.fail("the work began")

    monkeypatch.setattr("inscape.report._write.SECTIONS", (working,))
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="file"):
        write_page([planar(mlp([2, 4, 2]))], out=tmp_path / "file")


def test_no_context_is_refused(tmp_path):
    with pytest.raises(InputError, match="at least one context"):
        write_page([], out=tmp_path / "out")


def test_equal_names_get_different_anchors(planar, tmp_path):
    context = planar(mlp([2, 4, 2]))
    page = write_page([context, context], out=tmp_path / "out")
    text = page.read_text(encoding="utf-8")
    assert 'id="net-1-regions"' in text
    assert 'id="net-2-regions"' in text


def test_write_reads_the_network_itself(tmp_path):
    x = torch.rand(9, 2)
    page = write(mlp([2, 4, 2]), x=x, y=torch.arange(9) % 2, out=tmp_path / "out", name="mine", data_name="noise")
    text = page.read_text(encoding="utf-8")
    assert "The inner landscape of mine" in text
    assert "looked at on noise" in text
    assert read(mlp([2, 4, 2])).units == numbers(page)["parts"][0]["sections"]["network"]["units"]
