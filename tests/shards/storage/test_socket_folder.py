"""Sockets between processes have a path that the kernel takes, whatever TMPDIR is."""

import multiprocessing
import tempfile
from multiprocessing.connection import Listener
from pathlib import Path

import pytest

from shards.storage.socket_folder import keep_sockets_short


@pytest.fixture
def kept(monkeypatch):
    """What a process that has made no socket yet knows of the folder for them."""
    known = multiprocessing.current_process()._config
    monkeypatch.setitem(known, "tempdir", None)
    return known


def test_a_socket_can_be_made_below_a_long_tmpdir_and_other_files_stay_there(
    kept, monkeypatch, tmp_path
):
    long = tmp_path / ("long" * 25)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    keep_sockets_short()
    with Listener(family="AF_UNIX") as listener:
        assert Path(listener.address).is_relative_to(kept["tempdir"])
    assert tempfile.gettempdir() == str(long)


def test_nothing_changes_where_tmpdir_is_short(kept, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    keep_sockets_short()
    assert kept["tempdir"] is None
