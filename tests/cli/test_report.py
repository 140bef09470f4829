"""``inscape report`` and ``inscape demo``: from a file, or from nothing, to a page."""

import json

import pytest


def test_report_of_a_trained_model(run, moons, tmp_path):
    out = tmp_path / "page"
    history = moons.with_name("moons.history.npz")
    words = ["report", moons, "--data", "moons", "--history", history, "--samples", 60, "--name", "Moons & co"]
    answer = run(*words, "-o", out, "--json")
    found = json.loads(answer.out)
    assert found["page"] == str(out / "index.html")
    assert found["bytes"] == (out / "index.html").stat().st_size
    assert "Moons &amp; co" in (out / "index.html").read_text(encoding="utf-8")
    network = json.loads((out / "numbers.json").read_text(encoding="utf-8"))["parts"][0]["sections"]["network"]
    assert (network["samples"], network["units"], len(network["history"]["loss"])) == (60, 16, 2)
    again = run(*words, "-o", out)
    assert again.code == 0
    assert "index.html" in again.out


def test_a_foreign_folder_is_refused_before_the_model_is_read(refused, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    assert "not of a report" in refused("report", "absent.pt2", "--data", "moons", "-o", tmp_path)
    assert [item.name for item in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["MOONS", "-o", "page"], "write --data NAME"),
        (["MOONS", "--data", "mons", "-o", "page"], "did you mean 'moons'"),
        (["MOONS", "--data", "moons", "--samples", "0", "-o", "page"], "--samples"),
        (["MOONS", "--data", "moons", "--max-cells", "0", "-o", "page"], "max_cells"),
        (["MOONS", "--data", "digits", "-o", "page"], "shape"),
        (["MOONS", "--data", "moons", "--history", "MOONS", "-o", "page"], "moons.pt2"),
        (["MOONS", "--data", "moons", "-o", "file"], "file"),
        (["MOONS", "--data", "moons", "-o", "file/page"], "file"),
        (["absent.pt2", "--data", "moons", "-o", "page"], "absent.pt2"),
    ],
)
def test_refusals(refused, moons, tmp_path, monkeypatch, words, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("x")
    assert text in refused("report", *(word.replace("MOONS", str(moons)) for word in words))
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


def test_quick_demo(run, tmp_path):
    answer = run("demo", "--quick", "-o", tmp_path / "demo", "--json")
    found = json.loads(answer.out)
    assert answer.code == 0
    (row,) = found["networks"]
    assert float(row["accuracy"].rstrip("%")) > 90
    assert (row["units"], row["status"]) == (64, "exact")
    assert found["page"] == str(tmp_path / "demo" / "index.html")
    views = json.loads((tmp_path / "demo" / "numbers.json").read_text())["parts"][0]["sections"]["regions"]["views"]
    assert row["exact regions"] == " + ".join(f"{view['cells']:,}" for view in views.values())


def test_demo_refuses_a_foreign_folder_before_training(refused, tmp_path, monkeypatch):
    monkeypatch.setattr("inscape.training.fit", lambda *_, **__: pytest.fail("training began"))
    (tmp_path / "thesis.tex").write_text("years of work")
    assert "not of a report" in refused("demo", "--quick", "-o", tmp_path)


def test_demo_summary_for_people(run, tmp_path, monkeypatch):
    from inscape.cli import _demo

    real = _demo._cases

    def short(*, quick):
        from dataclasses import replace

        return [replace(case, epochs=1) for case in real(quick=quick)]

    monkeypatch.setattr(_demo, "_cases", short)
    answer = run("demo", "--quick", "-o", tmp_path / "demo")
    assert all(word in answer.out for word in ("MLP on digits", "accuracy", "exact regions", "status", "index.html"))
