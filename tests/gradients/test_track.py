"""The track as a result: file, table, figures, words."""

import numpy as np
import pytest
import torch
from torch import nn

import inscape
from inscape._errors import InputError
from inscape.gradients import track
from inscape.plotting import Lines, render
from inscape.training import mlp


@pytest.fixture(scope="module")
def seen():
    model, x = mlp([4, 6, 5, 3], activation="tanh"), torch.randn(40, 4, generator=torch.Generator().manual_seed(0))
    model = nn.Sequential(*model[:3], nn.ReLU(), model[4])
    tracker = track()
    for _ in range(3):
        with tracker.watch(model):
            nn.functional.cross_entropy(model(x), torch.arange(40) % 3).backward()
        tracker.end_epoch()
        with torch.no_grad():
            model[0].weight.mul_(3)
    return tracker.result()


def test_shapes_and_words(seen):
    assert (seen.records, seen.activations, seen.layers) == (3, ("tanh after 0", "relu after 2"), ("0", "2", "4"))
    assert seen.kappa.shape == (3, 2, 3)
    assert seen.norm_quantiles.shape == (3, 3, 3)
    np.testing.assert_allclose(seen.kappa[1, 0], 3 * seen.kappa[0, 0], rtol=0.2)  # the bias stays as it was
    assert "unsupported units" in seen.summary()
    assert "Kish" in seen.cite()
    np.testing.assert_allclose(seen.unsupported_share, (seen.unsupported * [6, 5]).sum(1) / 11)


def test_a_file_gives_it_back(seen, tmp_path):
    again = inscape.load(seen.save(tmp_path / "track.npz"))
    for name, value in vars(seen).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, getattr(again, name))
    assert again.summary() == seen.summary()


def test_the_table_has_a_row_for_each_record_and_name(seen):
    table = seen.to_dataframe()
    assert len(table) == 3 * 5
    row = table[(table.step == 2) & (table.name == "4")].iloc[0]
    np.testing.assert_array_equal(row[["norm", "norm_quantiles_90"]].astype(float), [
        seen.norm[1, 2], seen.norm_quantiles[1, 2, 2],
    ])  # fmt: skip
    assert np.isnan(row["kappa_50"])


@pytest.mark.parametrize(
    ("which", "names"),
    [
        ("kappa", ["tanh after 0"]),
        ("occupancy", ["tanh after 0", "relu after 2"]),
        ("effective", ["tanh after 0", "relu after 2"]),
        ("unsupported", ["tanh after 0", "relu after 2"]),
        ("norms", ["layer 0", "layer 2", "layer 4"]),
        ("coherence", ["layer 0", "layer 2", "layer 4"]),
        ("delta", ["layer 0", "layer 2", "layer 4"]),
        ("gradient", ["layer 0", "layer 2", "layer 4"]),
    ],
)
def test_figures_show_the_numbers(seen, which, names):
    info = seen.info(which=which)
    assert isinstance(info, Lines)
    assert [series.name for series in info.series] == names
    np.testing.assert_array_equal(info.series[0].x, [1, 2, 3])
    if which == "kappa":
        np.testing.assert_array_equal(info.series[0].high, seen.kappa[:, 0, 2])
    if which == "gradient":
        np.testing.assert_allclose(info.series[1].y, np.exp(seen.log_gradient[:, 1]))


@pytest.mark.parametrize("backend", ["matplotlib", "plotly"])
def test_both_backends_draw_it(seen, backend):
    assert render(seen.info(which="norms"), backend=backend) is not None


def test_only_some_and_ten_of_many(seen):
    assert [s.name for s in seen.info(which="norms", only=["4"]).series] == ["layer 4"]
    model, x = mlp([4, *[3] * 30, 2]), torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
    tracker = track((x, torch.arange(9) % 2))
    tracker.record(model, 0)
    assert len(tracker.result().info(which="unsupported").series) == 10


def test_what_is_not_there_is_named(seen):
    with pytest.raises(InputError, match="expected which to be one of"):
        seen.info(which="colour")
    with pytest.raises(InputError, match="got '7'"):
        seen.info(which="norms", only=["7"])
    with pytest.raises(InputError, match="nothing was recorded"):
        track().result().info()
    rectifiers = track((torch.ones(3, 2), torch.tensor([0, 1, 0])))
    rectifiers.record(mlp([2, 3, 2]), 0)
    with pytest.raises(InputError, match="kappa is defined for no layer"):
        rectifiers.result().info(which="kappa")
    assert track().result().summary()
