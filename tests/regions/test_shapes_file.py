"""Shapes from JSON files."""

import json

import numpy as np
import pytest

from inscape._errors import FileFormatError
from inscape.regions import Box, HalfSpaces, Polygon, build, read_shapes


@pytest.fixture
def write(tmp_path):
    def put(content):
        path = tmp_path / "shapes.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return put


def test_every_form(write):
    path = write(
        {
            "shapes": [
                {"polygon": [[0, 0], [4, 0], [4, 4]], "holes": [[[2, 1], [3, 1], [3, 2]]]},
                {"box": {"low": [0, 0], "high": [2, 1]}},
                {"half_spaces": {"normals": [[1, 1], [-1, 0], [0, -1]], "offsets": [1, 0, 0]}},
            ]
        }
    )
    (polygon, box, system), rest = read_shapes(path)
    assert rest is None
    assert isinstance(polygon, Polygon)
    assert len(polygon.holes) == 1
    assert isinstance(box, Box)
    assert box.high.tolist() == [2, 1]
    assert isinstance(system, HalfSpaces)
    np.testing.assert_array_equal(system.offsets, [1, 0, 0])


def test_classes(write):
    box = {"box": {"low": [0], "high": [2]}}
    found, rest = read_shapes(write({"classes": {"a": [box], "b": [box, box]}, "rest": "c"}))
    assert ([(name, len(group)) for name, group in found.items()], rest) == ([("a", 1), ("b", 2)], "c")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{", "cannot read shapes"),
        ("[" * 100_000, "cannot read shapes"),
        ("[]", "got list"),
        ({}, "the keys none"),
        ({"shapes": [], "more": 1}, "the keys more, shapes"),
        ({"shapes": []}, "a list of shapes for 'shapes'"),
        ({"classes": []}, "the keys classes"),
        ({"classes": {"a": {}}}, "a list of shapes for 'a'"),
        ({"classes": {"a": [{"box": {"low": [0], "high": [1]}}]}, "rest": 3}, "rest to be a name"),
        ({"shapes": [{"circle": 1}]}, "shape 0 of 'shapes': expected an object with one of polygon, box"),
        ({"shapes": [{"box": {"low": [0]}}]}, "box: expected the keys high, low, got low"),
        ({"shapes": [{"box": [0]}]}, "got none"),
        ({"shapes": [{"box": {"low": [0], "high": [0]}}]}, "low < high"),
        ({"shapes": [{"polygon": [[0, 0], [1, 1], [1, 0], [0, 1]]}]}, "edges 0 and 2"),
        ({"shapes": [{"polygon": [[0, 0], [1, 0], [0, 1]], "hole": []}]}, "and holes"),
        ({"shapes": [{"polygon": [[0, 0], [1, 0], [0, 1]], "holes": 3}]}, "shape 0"),
        ({"shapes": [{"half_spaces": {"normals": [[0]], "offsets": [1]}}]}, "zero row"),
        ({"shapes": [{"polygon": "abc"}]}, "array of numbers"),
    ],
)
def test_refusals_name_the_place(write, content, text):
    with pytest.raises(FileFormatError, match=text):
        read_shapes(write(content))


def test_the_example_of_the_documentation(write):
    import re
    from pathlib import Path

    text = (Path(__file__).parents[2] / "docs" / "building.md").read_text(encoding="utf-8")
    shapes, rest = read_shapes(write(re.search(r"^```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[1]))
    built = build(shapes, 40.0, margin=0.1, rest=rest)
    assert built.promised(np.array([[0.5, 0.5], [2.0, 1.9], [5.5, 0.5], [9.0, 9.0]])).tolist() == [1, 0, 1, 0]


def test_missing_file(tmp_path):
    with pytest.raises(FileFormatError, match="cannot read shapes from"):
        read_shapes(tmp_path / "none.json")
