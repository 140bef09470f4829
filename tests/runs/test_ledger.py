"""The ledger's file: nothing lost, nothing doubled, nothing foreign touched."""

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inscape._errors import FileFormatError, OutputError
from inscape.runs import State, _ledger_file
from inscape.runs._identity import Identity
from inscape.runs._ledger import INLINE, Ledger, files_of, open_ledger
from inscape.runs._ledger_file import APPLICATION, SCHEMA, check_header, is_local
from inscape.runs._record import Record
from inscape.runs._value import encode

IDENTITY = Identity(function="module:work", source="s", version="1", shared="", root=0)


def record(i, value=None, state=State.DONE, **more):
    payload = encode(i if value is None else value) if state is State.DONE else None
    key = hashlib.md5(str(i).encode()).digest()
    return Record(key=key, options=f'{{"i":{i}}}', replicate=0, seed=i, state=state, payload=payload, **more)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.sqlite"


@pytest.fixture
def filled(path):
    """A ledger with ten rows."""
    with open_ledger(path) as ledger:
        run = ledger.run(IDENTITY)
        for i in range(10):
            ledger.record(run, record(i))
    return path


def rows(path):
    with sqlite3.connect(path) as connection:
        return connection.execute("select options, state, value, attempts from tasks order by options").fetchall()


def test_a_row_comes_back_as_it_was_written(path):
    written = record(2**62, state=State.FAILED, error="E: e", traceback="t", seconds=1.5, attempts=3, worker="h:1")
    with open_ledger(path) as ledger:
        run = ledger.run(IDENTITY)
        ledger.record(run, written)
        assert ledger.fetch(run, written.key) == written


@pytest.mark.parametrize("value", [{"a": [1, None]}, {"b": np.arange(3)}, "x" * 2 * INLINE, np.zeros(2 * INLINE)])
def test_a_value_comes_back_whether_large_or_small(path, value):
    with open_ledger(path) as ledger:
        run = ledger.run(IDENTITY)
        ledger.record(run, record(0, value))
        payload = ledger.fetch(run, record(0).key).payload
        np.testing.assert_equal(ledger.value(payload), value)
    assert (payload.data is None) is (payload.size > INLINE)
    assert len(list(files_of(path).glob("*"))) == (payload.size > INLINE)


def test_equal_large_values_are_stored_once(path):
    with open_ledger(path) as ledger:
        run = ledger.run(IDENTITY)
        for i in range(3):
            ledger.record(run, record(i, np.zeros(2 * INLINE)))
    (file,) = files_of(path).iterdir()
    assert file.stem == hashlib.sha256(file.read_bytes()).hexdigest()
    assert np.load(file)["a/value"].shape == (2 * INLINE,)


def test_a_row_that_ended_well_stays(path):
    with open_ledger(path) as ledger:
        run = ledger.run(IDENTITY)
        for value in (1, 2):
            ledger.record(run, record(0, value))
        ledger.record(run, record(0, state=State.FAILED))
        assert ledger.value(ledger.fetch(run, record(0).key).payload) == 1


@pytest.mark.parametrize("state", [State.FAILED, State.KILLED, State.TIMED_OUT])
def test_any_other_row_gives_way(path, state):
    with open_ledger(path) as ledger:
        run = ledger.run(IDENTITY)
        ledger.record(run, record(0, state=state, error="first"))
        assert ledger.finished(run) == set()
        ledger.record(run, record(0, state=state, error="second"))
        assert ledger.fetch(run, record(0).key).error == "second"
        ledger.record(run, record(0, 5))
        assert ledger.finished(run) == {record(0).key}


@pytest.mark.parametrize("part", ["function", "source", "version", "shared"])
def test_runs_differ_in_every_part_of_their_identity(path, part):
    with open_ledger(path) as ledger:
        first, again = ledger.run(IDENTITY), ledger.run(IDENTITY)
        other, seeded = ledger.run(replace(IDENTITY, **{part: "other"})), ledger.run(replace(IDENTITY, root=2**63 - 1))
    assert first == again
    assert len({first, other, seeded}) == 3


def test_the_root_seed_is_drawn_once(path):
    drawn = iter([2**63 - 1, 5])
    with open_ledger(path) as ledger:
        assert ledger.root(lambda: next(drawn)) == 2**63 - 1
    with open_ledger(path) as ledger:
        assert ledger.root(lambda: next(drawn)) == 2**63 - 1


def test_another_driver_s_rows_are_seen(path):
    with open_ledger(path) as first, open_ledger(path) as second:
        run = first.run(IDENTITY)
        assert first.finished(run) == set()
        assert not first.is_finished(run, record(0).key)
        second.record(second.run(IDENTITY), record(0))
        assert first.is_finished(run, record(0).key)
        assert not first.is_finished(run, record(1).key)


@given(data=st.data())
def test_any_order_of_writes_keeps_the_first_good_row(tmp_path_factory, data):
    """The ledger against a dictionary that follows the rule."""
    writes = data.draw(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(list(State)), st.integers(0, 9))))
    expected = {}
    with open_ledger(tmp_path_factory.mktemp("ledger") / "l.sqlite") as ledger:
        run = ledger.run(IDENTITY)
        for i, state, value in writes:
            ledger.record(run, record(i, value, state, attempts=value))
            if expected.get(i, (None,))[0] is not State.DONE:
                expected[i] = (state, value)
        found = {i: ledger.fetch(run, record(i).key) for i in expected}
    assert {i: (row.state, row.attempts) for i, row in found.items()} == expected


WRITER = """
import sys; sys.path.insert(0, {here!r})
import test_ledger as t
with t.open_ledger({path!r}) as ledger:
    run = ledger.run(t.IDENTITY)
    for i in range({start}, {stop}):
        ledger.record(run, t.record(i, state=t.State.DONE))
        print(i, flush=True)
"""


def writer(path, start, stop):
    code = WRITER.format(here=str(Path(__file__).parent), path=str(path), start=start, stop=stop)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_two_writers_at_once_lose_and_double_nothing(path):
    both = [writer(path, 0, 400), writer(path, 200, 600)]
    for process in both:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert sorted(int(value) for _, _, value, _ in rows(path)) == list(range(600))


def test_what_was_written_survives_the_writer(path):
    process = writer(path, 0, 100_000)
    told = [int(process.stdout.readline()) for _ in range(50)]
    process.send_signal(signal.SIGKILL)
    told += [int(line) for line in process.communicate(timeout=60)[0].splitlines() if line.strip()]
    with open_ledger(path) as ledger:
        finished = ledger.finished(ledger.run(IDENTITY))
    assert {record(i).key for i in told} <= finished


def test_a_full_disk_is_said_and_what_was_there_stays(filled):
    with open_ledger(filled) as ledger:
        pages = ledger._connection.execute("pragma page_count").fetchone()[0]
        ledger._connection.execute(f"pragma max_page_count = {pages}")
        run = ledger.run(IDENTITY)
        for i in range(10, 20):  # into what is left of the last page
            with suppress(OutputError):
                ledger.record(run, record(i, "x" * 1000))
        with pytest.raises(OutputError, match=r"disk is full; what was recorded so far is intact: make room"):
            ledger.record(run, record(20, "x" * 10_000))
    with open_ledger(filled) as ledger:
        assert len(ledger.finished(ledger.run(IDENTITY))) >= 10
    assert rows(filled)[0][2] in {0, "0"}


LIMITED = """
import sys; sys.path.insert(0, {here!r})
import resource, signal, numpy as np, test_ledger as t
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with t.open_ledger({path!r}) as ledger:
    run = ledger.run(t.IDENTITY)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    try:
        ledger.record(run, t.record(99, np.zeros(100_000)))
    except t.OutputError as error:
        print(error)
    ledger.record(run, t.record(100))
"""


def test_a_value_file_that_cannot_be_written_leaves_nothing_behind(filled):
    code = LIMITED.format(here=str(Path(__file__).parent), path=str(filled))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "File too large; what was recorded so far is intact" in done.stdout
    assert list(files_of(filled).iterdir()) == []
    assert len(rows(filled)) == 11


def test_a_lock_is_named_after_the_wait(filled):
    holder = sqlite3.connect(filled, isolation_level=None)
    holder.execute("begin exclusive")
    try:
        with open_ledger(filled, wait=0.05) as ledger, pytest.raises(OutputError, match="locked by another process"):
            ledger.record(1, record(50))
    finally:
        holder.close()
    assert len(rows(filled)) == 10


@pytest.mark.parametrize("content", [b"plain text\n" * 50, b"SQLite format 3\x00", b"\x00" * 4096])
def test_another_file_is_left_as_it_is(path, content):
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="is no ledger of inscape"), open_ledger(path):
        pass
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_another_program_s_database_is_left_as_it_is(path):
    connection = sqlite3.connect(path)
    connection.execute("create table bookmarks (url)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(FileFormatError, match="database of another program"), open_ledger(path):
        pass
    assert path.read_bytes() == before


def test_a_newer_ledger_is_left_as_it_is(filled):
    connection = sqlite3.connect(filled, isolation_level=None)
    connection.execute(f"pragma user_version = {SCHEMA + 1}")
    connection.execute("pragma journal_mode = delete")
    connection.close()
    before = filled.read_bytes()
    text = f"schema {SCHEMA + 1}, this version reads up to {SCHEMA}; update"
    with pytest.raises(FileFormatError, match=text), open_ledger(filled):
        pass
    assert filled.read_bytes() == before


def test_damage_is_found_before_anything_is_written(filled):
    with sqlite3.connect(filled) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()
    content = bytearray(filled.read_bytes())
    content[4096:8192] = os.urandom(4096)
    filled.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"is damaged: .*left as it is"), open_ledger(filled):
        pass
    assert filled.read_bytes() == content


def test_a_cut_off_file_is_damaged(filled):
    content = filled.read_bytes()
    filled.write_bytes(content[: len(content) // 2])
    for side in ("-wal", "-shm"):
        Path(f"{filled}{side}").unlink(missing_ok=True)
    with pytest.raises(FileFormatError, match="is damaged"), open_ledger(filled):
        pass


def test_an_empty_file_is_a_new_ledger(path):
    path.touch()
    with open_ledger(path) as ledger:
        assert ledger.run(IDENTITY) == 1
    assert check_header(path)


def test_places_where_nothing_can_be_written_are_named(tmp_path):
    with pytest.raises(OutputError, match=r"cannot open .*name a file"), open_ledger(tmp_path):
        pass
    with pytest.raises(OutputError, match="its folder does not exist"), open_ledger(tmp_path / "no" / "l.sqlite"):
        pass


def test_a_missing_or_cut_off_value_is_computed_again(path, caplog):
    with open_ledger(path) as ledger:
        run = ledger.run(IDENTITY)
        for i in range(3):
            ledger.record(run, record(i, np.full(INLINE, i)))
        payloads = [ledger.fetch(run, record(i).key).payload for i in range(3)]
        files = [files_of(path) / f"{payload.file}.npz" for payload in payloads]
        files[0].unlink()
        os.truncate(files[1], 100)
        content = files[2].read_bytes()
        files[2].write_bytes(bytes([content[0] ^ 1]) + content[1:])
        with pytest.raises(FileFormatError, match="is missing"):
            ledger.value(payloads[0])
        with pytest.raises(FileFormatError, match="is damaged; delete it and run again"):
            ledger.value(payloads[2])
        assert ledger.finished(run) == {record(2).key}
        assert [line.message.endswith("is computed again") for line in caplog.records] == [True, True]
        ledger.record(run, record(0, "other"))
        assert ledger.value(ledger.fetch(run, record(0).key).payload) == "other"


def test_the_file_says_whose_it_is_and_can_be_read_by_others(filled):
    with sqlite3.connect(filled) as connection:
        assert connection.execute("pragma application_id").fetchone()[0] == APPLICATION
        assert connection.execute("select count(*), sum(value) from tasks where state = 'done'").fetchone() == (10, 45)
    connection.close()


def test_journal_fits_the_disk(path, monkeypatch):
    assert is_local(path)
    with open_ledger(path) as ledger:
        assert ledger._connection.execute("pragma journal_mode").fetchone()[0] == "wal"
    monkeypatch.setattr(_ledger_file, "is_local", lambda _: False)
    with open_ledger(path.with_name("remote.sqlite")) as ledger:
        assert ledger._connection.execute("pragma journal_mode").fetchone()[0] == "delete"
        assert ledger._connection.execute("pragma synchronous").fetchone()[0] == 2


@pytest.mark.parametrize(("kind", "local"), [("ext4", True), ("nfs4", False), ("fuse.sshfs", False), ("lustre", False)])
def test_file_systems_of_networks_are_not_local(monkeypatch, tmp_path, kind, local):
    table = f"21 1 0:1 / / rw - ext4 /dev/a rw\n22 21 0:2 / {tmp_path} rw shared:1 - {kind} there rw\n"
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: table)
    assert is_local(tmp_path / "l.sqlite") is local
    assert is_local(Path("/elsewhere/l.sqlite"))


def test_closing_is_final(path):
    with open_ledger(path) as ledger:
        assert isinstance(ledger, Ledger)
    with pytest.raises(FileFormatError):
        ledger.run(IDENTITY)
