"""Tables as HTML."""

from html.parser import HTMLParser

import numpy as np
import pytest

from inscape.plotting import Table, table_html
from inscape.plotting._table import cell_text, is_number


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.texts = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs).get("class")))

    def handle_data(self, data):
        self.texts.append(data)


def test_texts_come_back_as_they_went_in():
    attack = "<script>alert('x & y')</script>"
    reader = Reader()
    reader.feed(table_html(Table(columns={attack: [attack, None], "n": [1, 2.5]}, caption=attack)))
    assert reader.texts == [attack, attack, "n", attack, "1", "–", "2.5"]
    assert "script" not in {tag for tag, _ in reader.tags}
    assert [kind for tag, kind in reader.tags if tag == "td"] == [None, "number"] * 2


@pytest.mark.parametrize(
    ("value", "text"),
    [(9999, "9999"), (10_000, "10\u202f000"), (np.int64(-1234567), "-1\u202f234\u202f567"), (1e-9, "1e-09"),
     (np.float32(0.5), "0.5"), (float("nan"), "–"), (np.bool_(False), "no"), ((2, 3), "(2, 3)")],
)  # fmt: skip
def test_values_are_written_for_readers(value, text):
    assert cell_text(value) == text


def test_truth_values_are_no_numbers():
    assert not is_number(True)
    assert is_number(np.int32(1))
