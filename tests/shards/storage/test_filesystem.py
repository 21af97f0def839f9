"""A URL's file system is its own in each process; a file's address is right on every kind."""

from types import SimpleNamespace

import pytest

from shards.errors import StoreError
from shards.storage.filesystem import address, file_system


@pytest.mark.parametrize(
    ("root", "name", "expected"),
    [
        ("bucket/set", "cases/a b.tar", "bucket/set/cases/a b.tar"),
        ("https://host/set/", "cases/a b.tar", "https://host/set/cases/a%20b.tar"),
        ("http://host/set?signature=x/y", "a#1.tar", "http://host/set/a%231.tar?signature=x/y"),
    ],
)
def test_names_are_quoted_on_web_servers_and_a_signature_stays_at_the_end(root, name, expected):
    assert address(root, name) == expected


def test_a_protocol_that_is_not_known_is_said():
    with pytest.raises(StoreError, match="nonsense:// cannot be read"):
        file_system("nonsense://there/set", 1.0)


def test_connections_are_kept_within_a_process_and_not_taken_into_another(monkeypatch):
    here = file_system("http://host/set", 1.0)
    assert file_system("http://host/set", 1.0) is here
    assert here[1] == "http://host/set"
    monkeypatch.setattr("shards.storage.filesystem.os", SimpleNamespace(getpid=lambda: -1))
    assert file_system("http://host/set", 1.0) is not here
