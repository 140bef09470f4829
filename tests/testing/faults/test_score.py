"""The runner: an oracle is always right, others as often as can be counted by hand."""

import numpy as np
import pytest
import torch

import inscape
from inscape._errors import InputError
from inscape.gradients import Cause
from inscape.testing import unchanged
from inscape.testing.faults import FaultCase, Net, Score, score

NET = Net(depth=3, width=8, activation="relu", init="he")
CASES = (
    FaultCase(kind="healthy", net=NET, seed=1),
    FaultCase(kind="healthy", net=NET, seed=2, split="held-out"),
    FaultCase(kind="large_weights", net=NET, place=1),
    FaultCase(kind="dead_units", net=NET, place=1),
    FaultCase(kind="tanh_large", net=Net(depth=3, width=8)),
)
PATHS = {"large_weights": "2", "dead_units": "2"}


class Script:
    """Says what it was told to, one answer a case."""

    def __init__(self, answers):
        self.answers = iter(answers)

    def __call__(self, model, loss, data):
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def oracle():
    return Script([(case.accepted[-1], case.layer) for case in CASES])


def test_an_oracle_is_always_right():
    found = score(oracle(), CASES, name="oracle")
    assert found.right.all()
    assert (found.sensitivity, found.specificity) == (1.0, 1.0)
    assert found.table().columns["both"] == (2, 1, 1, 1, 5)
    assert found.table().columns["kind"] == ("healthy", "large_weights", "dead_units", "tanh_large", "all")


def test_cause_and_layer_are_counted_apart():
    answers = [
        (Cause.NONE, None),
        (Cause.NONE, "0"),
        (Cause.LARGE_WEIGHTS, "0"),
        (Cause.LARGE_WEIGHTS, "2"),
        (Cause.SMALL_INITIALISATION, None),
    ]
    found = score(Script(answers), CASES)
    assert found.tool == "Script"
    assert found.cause_right.tolist() == [True, True, True, False, False]
    assert found.layer_right.tolist() == [True, False, False, True, True]
    assert found.right.tolist() == [True, False, False, False, False]
    assert (found.sensitivity, found.specificity) == (0.0, 0.5)
    names, counts = found.confusion()
    assert counts[names.index("DEAD_UNITS"), names.index("LARGE_WEIGHTS")] == 1
    assert counts.sum() == 5
    assert np.trace(counts) == 3


def test_always_healthy_is_right_on_healthy_networks_only():
    found = score(lambda model, loss, data: (Cause.NONE, None), CASES, name="optimist")
    assert (found.sensitivity, found.specificity) == (0.0, 1.0)
    assert "2 of 2 (100.0%, 95 % interval 34.2% to 100.0%)" in found.summary()


def test_a_failing_tool_is_wrong_and_its_words_are_kept():
    answers = [ValueError("too deep"), ("NONE", None), (Cause.LARGE_WEIGHTS, 2), (Cause.DEAD_UNITS, "2"), None]
    found = score(Script(answers), CASES)
    assert found.errors[0] == "ValueError: too deep"
    assert found.errors[1].startswith("InputError: expected a Cause and a path or None, got 'NONE'")
    assert [bool(error) for error in found.errors] == [True, True, True, False, True]
    assert found.right.tolist() == [False, False, False, True, False]
    assert found.said.count("ERROR") == 4
    assert "ERROR" in found.info(which="confusion").columns


def test_a_tool_meets_each_model_fresh_and_random_states_stay():
    seen = []

    def vandal(model, loss, data):
        seen.append(float(model[0].weight.detach().sum()))
        torch.nn.init.zeros_(model[0].weight)
        data[0].zero_()
        torch.rand(3)
        return Cause.NONE, None

    with unchanged():
        score(vandal, CASES[:1])
        score(vandal, CASES[:1])
    assert seen[0] == seen[1] != 0.0
    assert CASES[0].data()[0].any()


def test_score_hands_over_model_loss_and_data():
    def tool(model, loss, data):
        assert float(loss(model(data[0]), data[1]).detach()) > 0
        return Cause.NONE, None

    assert score(tool, CASES[:1]).errors == ("",)


def test_files_tables_and_frames(tmp_path):
    found = score(oracle(), CASES, name="oracle")
    again = inscape.load(found.save(tmp_path / "score"))
    assert isinstance(again, Score)
    assert again.said == found.said
    assert np.array_equal(again.right, found.right)
    frame = found.to_dataframe()
    assert len(frame) == 5
    assert frame.cause_right.all()
    assert list(frame.case) == [case.key for case in CASES]


def test_progress_counts_cases():
    class Counter:
        amount = 0.0

        def start(self, description, total):
            self.total = total

        def advance(self, amount):
            self.amount += amount

        def stop(self):
            pass

    meter = Counter()
    score(oracle(), CASES, progress=meter)
    assert (meter.total, meter.amount) == (5, 5)


def test_empty_and_unknown_are_refused():
    with pytest.raises(InputError, match="there is no case to score"):
        score(oracle(), [])
    with pytest.raises(InputError, match="expected which as 'kinds' or 'confusion', got 'roc'"):
        score(oracle(), CASES).info(which="roc")


def test_shares_of_nothing_are_not_a_number():
    found = score(lambda model, loss, data: (Cause.NONE, None), CASES[:1])
    assert np.isnan(found.sensitivity)
    assert "none" in found.summary()
