"""Figures of contributions hold the numbers of the result."""

import numpy as np
import pytest

from inscape.gradients import Contributions
from inscape.results import MEASURED, Provenance


def made(samples=6, layers=2):
    norms = np.random.default_rng(0).exponential(size=(samples, layers))
    norms[:, -1] = 0.0
    return Contributions(
        layers=tuple(f"net.{k}" for k in range(layers)),
        norms=norms,
        labels=np.arange(samples) % 2,
        mean_gradient=np.zeros(layers),
        refused=(),
        status=MEASURED,
        provenance=Provenance(function="test"),
    )


def test_lorenz_curves_and_the_diagonal():
    found = made()
    info = found.info()
    assert [s.name for s in info.series] == [
        f"layer net.0 (Gini {found.gini[0]:.2f})",
        "layer net.1 (Gini 0.00)",
        "all samples alike",
    ]
    np.testing.assert_allclose(info.series[0].y, found.lorenz(0))
    np.testing.assert_allclose(info.series[0].x, np.arange(7) / 6)
    np.testing.assert_allclose(info.series[1].y, info.series[1].x)


def test_classes_are_set_against_their_size():
    found = made()
    info = found.info(which="classes")
    sums = [found.norms[found.labels == k, 0].mean() / found.norms[:, 0].mean() for k in (0, 1)]
    np.testing.assert_allclose(info.series[0].y, sums)
    np.testing.assert_allclose(info.series[1].y, [1.0, 1.0])  # a layer without gradients
    assert info.series[-1].name == "as its share of the samples"


def test_sorted_norms_are_over_their_mean():
    found = made()
    info = found.info(which="sorted")
    np.testing.assert_allclose(info.series[0].y, np.sort(found.norms[:, 0])[::-1] / found.norms[:, 0].mean())
    assert info.series[0].x.tolist() == [1, 2, 3, 4, 5, 6]
    assert info.series[1].y.tolist() == [0.0] * 6
    assert info.logy


@pytest.mark.parametrize("which", ["lorenz", "classes", "sorted"])
def test_many_samples_and_layers_are_thinned(which):
    info = made(samples=5000, layers=30).info(which=which)
    assert all(len(series.x) <= 400 for series in info.series)
    names = [series.name for series in info.series if series.name.startswith("layer net")]
    assert len(names) == 9
    assert names[0].startswith("layer net.0")
    assert names[-1].startswith("layer net.29")


@pytest.mark.parametrize("backend", ["matplotlib", "plotly"])
def test_both_backends_draw(backend):
    assert made().plot(backend=backend) is not None
