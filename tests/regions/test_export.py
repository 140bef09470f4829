"""Exported cells read back by other programs."""

import csv
import inspect

import networkx
import numpy as np
import pytest
from scipy.spatial import HalfspaceIntersection

from inscape._errors import InputError, InputTypeError, OutputError
from inscape.geometry import Box
from inscape.regions import boundary, export, lipschitz, partition
from inscape.testing import random_net


@pytest.fixture(scope="module", params=[1, 2, 3, 4])
def cells(request):
    d = request.param
    return partition(random_net([d, 6, 4, 2], rng=2), Box(low=[-1] * d, high=[1] * d))


def test_table_reads_back_to_the_last_bit(cells, tmp_path):
    with export(cells, tmp_path / "cells.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    columns = cells.columns()
    assert list(rows[0]) == list(columns)
    for name, values in columns.items():
        read = [row[name] for row in rows]
        if values.dtype == bool:
            assert read == [str(value) for value in values.tolist()]
        else:
            assert np.array_equal(np.array(read, float), values)


def test_graph_reads_back_in_networkx(cells, tmp_path):
    found = networkx.read_graphml(export(cells, tmp_path / "cells.graphml"), node_type=int)
    assert found.number_of_nodes() == cells.cell_count
    wanted = cells.graph().tocoo()
    assert found.number_of_edges() == wanted.nnz // 2
    for a, b, weight in zip(wanted.row.tolist(), wanted.col.tolist(), wanted.data.tolist(), strict=True):
        assert found.edges[a, b]["area"] == weight
    assert [found.nodes[i]["volume"] for i in range(cells.cell_count)] == cells.volumes.tolist()
    assert [found.nodes[i]["class"] for i in range(cells.cell_count)] == cells.classes.tolist()
    assert [found.nodes[i]["touches_wall"] for i in range(cells.cell_count)] == cells.touches_wall.tolist()
    assert [found.nodes[i]["centroid_0"] for i in range(cells.cell_count)] == cells.centroids[:, 0].tolist()
    if cells.dimension > 1:
        for cell in range(0, cells.cell_count, 7):
            for facet in cells.facets(cell):
                if facet["neighbour"] >= 0:
                    edge = found.edges[cell, facet["neighbour"]]
                    assert (edge["module"], edge["predicate"]) == (facet["module"], facet["predicate"])


def blocks(path):
    """Cells of an .ine file: name and matrix."""
    lines = path.read_text().splitlines()
    at = 0
    while at < len(lines):
        name, kind, begin, size = lines[at : at + 4]
        rows, columns, number = size.split()
        assert (kind, begin, number) == ("H-representation", "begin", "real")
        table = np.array([row.split() for row in lines[at + 4 : at + 4 + int(rows)]], float)
        assert table.shape == (int(rows), int(columns))
        assert lines[at + 4 + int(rows)] == "end"
        yield name, table
        at += 5 + int(rows)


def test_half_spaces_read_back_in_qhull(cells, tmp_path):
    found = list(blocks(export(cells, tmp_path / "cells.ine")))
    assert [name for name, _ in found] == [f"cell {i}" for i in range(cells.cell_count)]
    for cell in range(0, cells.cell_count, 5):
        table = found[cell][1]
        assert np.linalg.norm(table[:, 1:], axis=1) == pytest.approx(np.ones(len(table)))
        assert (table[:, 0] + table[:, 1:] @ cells.centroids[cell] >= 0).all()
        if cells.dimension > 1 and cells.volumes[cell] > 1e-5:
            outer = np.column_stack([-table[:, 1:], -table[:, 0]])
            corners = HalfspaceIntersection(outer, cells.centroids[cell]).intersections
            start = cells.complex.offsets[cell : cells.complex.offsets.size][:2]
            mine = cells.vertices[cells.complex.corners[start[0] : start[1]]]
            assert np.linalg.norm(corners[:, None] - mine, axis=2).min(1).max() < 1e-6


def test_pieces_of_a_boundary(tmp_path):
    found = boundary(random_net([3, 6, 4, 2], rng=2), Box(low=[-1] * 3, high=[1] * 3))
    with export(found, tmp_path / "pieces.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == len(found.pairs)
    assert sum(float(row["measure"]) for row in rows) == pytest.approx(found.measure)
    with pytest.raises(InputTypeError, match=r"expected a partition for a \.ine file, got a boundary"):
        export(found, tmp_path / "pieces.ine")


def test_other_endings_and_results_are_refused(cells, tmp_path):
    with pytest.raises(InputError, match=r"ends in \.csv, \.graphml, \.ine, got"):
        export(cells, tmp_path / "cells.obj")
    with pytest.raises(InputTypeError, match="a partition or a boundary, got Slopes"):
        inspect.unwrap(export)(lipschitz(cells), tmp_path / "cells.csv")


def test_a_folder_that_is_not_there_is_named_and_an_old_file_stays(cells, tmp_path, monkeypatch):
    with pytest.raises(OutputError, match="choose another folder"):
        export(cells, tmp_path / "nowhere" / "cells.csv")
    path = tmp_path / "cells.csv"
    path.write_text("old")
    monkeypatch.setattr("inscape.regions._export.csv.writer", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export(cells, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
