"""The history: file, table, figure, summary."""

import numpy as np
import pytest

from inscape import data, plotting, results
from inscape._errors import InputError, InscapeWarning
from inscape.training import History, Recipe, fit, mlp

PAIR = data.load("moons", n=60)


@pytest.fixture(scope="module")
def history():
    return fit(mlp([2, 6, 2]), PAIR, epochs=3, test=PAIR).history


@pytest.fixture(scope="module")
def untested():
    return fit(mlp([2, 6, 2]), PAIR, epochs=2).history


def test_file_round_trip(history, tmp_path):
    back = results.load(history.save(tmp_path / "h"))
    assert isinstance(back, History)
    assert back.facts() == history.facts()
    for name, column in history.columns().items():
        np.testing.assert_array_equal(back.columns()[name], column)
    assert back.provenance == history.provenance


def test_table_has_one_row_per_epoch(history):
    table = history.to_dataframe()
    assert list(table["epoch"]) == [1, 2, 3]
    assert {"loss", "accuracy", "test_loss", "test_accuracy", "learning_rate", "seconds"} < set(table.columns)
    assert (table["seconds"] > 0).all()


@pytest.mark.parametrize(("which", "names"), [("loss", 2), ("accuracy", 2), ("learning_rate", 1)])
def test_figure_shows_what_was_measured(history, untested, which, names):
    info = history.info(which=which)
    assert isinstance(info, plotting.Lines)
    assert len(info.series) == names
    np.testing.assert_array_equal(info.series[0].y, getattr(history, which))
    np.testing.assert_array_equal(info.series[0].x, [1, 2, 3])
    assert len(untested.info(which=which).series) == 1


def test_provenance_tells_the_recipe(history):
    provenance = history.provenance
    assert provenance.function == "inscape.training.fit"
    assert provenance.options["optimizer"] == "adam"
    assert provenance.options["epochs"] == 3
    assert provenance.seed == 0
    assert len(provenance.model) == len(provenance.data) == 16


def test_summary_tells_the_last_values(history, untested):
    facts = history.facts()
    assert facts["epochs"] == 3
    assert facts["test loss"] == round(float(history.test_loss[-1]), 4)
    assert "test loss" not in untested.facts()
    assert "measured" in history.summary()


def test_unknown_curve_and_empty_history(history):
    with pytest.raises(InputError, match="got 'gradient'"):
        history.info(which="gradient")
    with pytest.warns(InscapeWarning, match="stopped"):
        empty = fit(
            mlp([2, 6, 2]), PAIR, epochs=2, recipe=Recipe(batch_size=10, optimizer="sgd", learning_rate=1e38)
        ).history
    assert empty.epochs == 0
    with pytest.raises(InputError, match="no epoch was finished"):
        empty.info()
