"""The journal keeps what happened, in order, and shows where it was changed."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from runbook.errors import BrokenRecord
from runbook.journal import Journal

AT = datetime(2026, 1, 15, 12, tzinfo=UTC)


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    for number in range(5):
        journal.append("note", {"number": number}, AT)
    return journal


def test_entries_come_back_in_order(journal):
    assert [entry.body["number"] for entry in journal.entries("note")] == [0, 1, 2, 3, 4]
    assert [entry.seq for entry in journal.entries()] == [1, 2, 3, 4, 5]


def test_every_changed_byte_is_noticed(journal):
    whole = journal.path.read_bytes()
    for position in range(0, len(whole) - 1, 7):
        changed = bytearray(whole)
        changed[position] ^= 1
        journal.path.write_bytes(bytes(changed))
        with pytest.raises(BrokenRecord, match="was changed at entry"):
            journal.entries()


@pytest.mark.parametrize("change", ["remove", "swap", "repeat"])
def test_lines_cannot_be_removed_swapped_or_repeated(journal, change):
    lines = journal.path.read_bytes().splitlines(keepends=True)
    if change == "remove":
        del lines[2]
    elif change == "swap":
        lines[1], lines[2] = lines[2], lines[1]
    else:
        lines.insert(2, lines[2])
    journal.path.write_bytes(b"".join(lines))
    with pytest.raises(BrokenRecord, match=r"entry \d"):
        journal.entries()


def test_a_line_cut_short_by_a_crash_is_dropped_by_the_next_writer(journal):
    with journal.path.open("ab") as handle:
        handle.write(b'{"seq": 6, "at": "2026')
    assert len(journal.entries()) == 5
    journal.append("note", {"number": 5}, AT)
    assert [entry.body["number"] for entry in journal.entries()] == [0, 1, 2, 3, 4, 5]


def test_writers_at_once_lose_nothing(tmp_path):
    path = tmp_path / "journal.jsonl"
    code = (
        "import sys, pathlib, datetime; from runbook.journal import Journal; j = Journal(pathlib.Path(sys.argv[1]))\n"
        "for n in range(20): j.append('note', {'by': sys.argv[2], 'n': n}, datetime.datetime.now(datetime.UTC))"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, path, name]) for name in "abc"]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    entries = Journal(path).entries()
    assert len(entries) == 60
    for name in "abc":
        assert [entry.body["n"] for entry in entries if entry.body["by"] == name] == list(range(20))


def test_an_entry_is_on_disk_before_append_returns(journal, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(journal.path.read_bytes()))
    journal.append("note", {"number": 99}, AT)
    assert json.loads(synced[0].splitlines()[-1])["body"] == {"number": 99}
