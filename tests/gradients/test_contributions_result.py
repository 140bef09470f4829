"""What follows from norms of single samples: shares, ranks, classes; summary, table, file."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inscape import results
from inscape._errors import InputError
from inscape.gradients import Contributions
from inscape.results import MEASURED, Provenance


def made(norms, labels=(), mean=None, refused=()):
    norms = np.array(norms, dtype=np.float64)
    return Contributions(
        layers=tuple(f"layer{k}" for k in range(norms.shape[1])),
        norms=norms,
        labels=np.array(labels, dtype=np.int64),
        mean_gradient=np.zeros(norms.shape[1]) if mean is None else np.array(mean, dtype=np.float64),
        refused=refused,
        status=MEASURED,
        provenance=Provenance(function="test"),
    )


FOUR = made([[3.0, 1.0], [4.0, 1.0], [0.0, 1.0], [1.0, 1.0]], labels=[7, 2, 7, 7], mean=[1.0, 0.5])


def test_totals_join_the_layers():
    np.testing.assert_allclose(FOUR.totals, np.sqrt([10.0, 17.0, 1.0, 2.0]))
    assert FOUR.samples == 4


def test_coherence_is_norm_of_the_mean_over_mean_of_the_norms():
    np.testing.assert_allclose(FOUR.coherence, [0.5, 0.5])


def test_lorenz_curve_and_gini():
    np.testing.assert_allclose(FOUR.lorenz("layer0"), [0, 0, 1 / 8, 4 / 8, 1])
    np.testing.assert_allclose(FOUR.lorenz(1), np.linspace(0, 1, 5))
    # one minus twice the area of the trapezia below the curve
    np.testing.assert_allclose(FOUR.gini, [1 - (1 / 8 + 5 / 8 + 12 / 8) / 4, 0.0], atol=1e-15)


@pytest.mark.parametrize("n", [1, 2, 10])
def test_gini_of_one_that_carries_all(n):
    assert made(np.eye(n)[:, :1]).gini[0] == pytest.approx(1 - 1 / n)


@given(arrays(np.float64, st.integers(1, 12), elements=st.just(0.0) | st.floats(1e-6, 1e6)))
def test_gini_is_half_the_relative_mean_difference(norms):
    found = made(norms[:, None])
    total = norms.sum()
    expected = np.abs(norms[:, None] - norms).sum() / (2 * len(norms) * total) if total > 0 else 0.0
    assert found.gini[0] == pytest.approx(expected, abs=1e-9)
    assert found.total_gini == pytest.approx(expected, abs=1e-9)


def test_shares_of_the_largest():
    assert FOUR.top_share(0.25, "layer0") == pytest.approx(0.5)
    assert FOUR.top_share(0.5, "layer0") == pytest.approx(7 / 8)
    assert FOUR.top_share(0.375, "layer0") == pytest.approx((4 + 1.5) / 8)
    assert [FOUR.top_share(part) for part in (0.0, 1.0)] == [0.0, 1.0]
    assert FOUR.needed(0.5, "layer0") == 0.25
    assert FOUR.needed(0.51, "layer0") == 0.5
    assert FOUR.needed(1.0, "layer0") == 0.75
    assert FOUR.needed(0.0) == 0.0
    assert FOUR.needed(0.75, "layer1") == 0.75


@given(arrays(np.float64, st.integers(1, 12), elements=st.just(0.0) | st.floats(1e-6, 1e3)), st.floats(0, 1))
def test_what_is_needed_carries_the_share_and_one_less_does_not(norms, share):
    found = made(norms[:, None])
    count = round(found.needed(share) * len(norms))
    carried = np.concatenate([[0.0], np.cumsum(np.sort(norms)[::-1])])
    total = carried[-1]
    if total > 0:
        assert carried[count] >= (share - 1e-9) * total
        assert count == 0 or carried[count - 1] <= (share + 1e-9) * total


def test_ranks():
    assert FOUR.ranked("layer0").tolist() == [1, 0, 3, 2]
    assert FOUR.ranked("layer1").tolist() == [0, 1, 2, 3]
    assert FOUR.ranked(most=2).tolist() == [1, 0]


def test_class_totals():
    assert FOUR.classes.tolist() == [2, 7]
    assert FOUR.class_totals("layer0").tolist() == [4.0, 4.0]
    np.testing.assert_allclose(FOUR.class_totals().sum(), FOUR.totals.sum())


def test_wrong_questions_are_named():
    with pytest.raises(InputError, match="expected a layer as one of layer0, layer1 or its number, got 'other'"):
        FOUR.of("other")
    with pytest.raises(InputError, match="got 2"):
        FOUR.lorenz(2)
    with pytest.raises(InputError, match=r"expected part between 0 and 1, got 1\.5"):
        FOUR.top_share(1.5)
    with pytest.raises(InputError, match="expected share between 0 and 1, got -1"):
        FOUR.needed(-1.0)
    with pytest.raises(InputError, match="expected most ≥ 1"):
        FOUR.ranked(most=0)
    with pytest.raises(InputError, match="no whole-number labels"):
        made([[1.0]]).class_totals()
    with pytest.raises(InputError, match="expected which to be one of lorenz, classes, sorted, got 'pie'"):
        FOUR.info(which="pie")


def test_summary_names_what_is_missing():
    facts = made([[1.0], [2.0]], mean=[1.0], refused=(("lstm", "no call"),)).facts()
    assert facts["without norms"] == "lstm"
    assert facts["coherence"].startswith("0.667 to 0.667")
    assert facts["largest at"] == "1, 0"
    assert "coherence" not in made([[0.0], [0.0]]).facts()
    assert "Contributions(samples=4, layers=2" in repr(FOUR)


def test_table_has_one_row_a_sample():
    table = FOUR.to_dataframe()
    assert list(table) == ["sample", "label", "total", "layer0", "layer1"]
    assert table["label"].tolist() == [7, 2, 7, 7]
    assert "label" not in made([[1.0]]).columns()


def test_file_round_trip(tmp_path):
    found = made([[1.0, 2.0]], refused=(("a", "because"),))
    back = results.load(found.save(tmp_path / "c"))
    assert isinstance(back, Contributions)
    assert back.layers == found.layers
    assert back.refused == found.refused
    np.testing.assert_array_equal(back.norms, found.norms)
    assert "goodfellow" in back.cite()
