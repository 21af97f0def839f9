"""Ray's folder is short and has room, whatever TMPDIR is, and nothing of it stays."""

import pytest

from cluster import temp_folder as module
from cluster.temp_folder import temp_folder


def test_it_is_short_whatever_tmpdir_is_and_gone_afterwards(monkeypatch, tmp_path):
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path / ("long" * 30)))
    with temp_folder() as folder:
        assert len(str(folder)) < 40
        (folder / "session").mkdir()
        (folder / "session" / "log").touch()
    assert not folder.exists()


def test_what_is_asked_for_is_taken(monkeypatch):
    monkeypatch.setenv("RAY_TMPDIR", "/var/tmp")
    with temp_folder() as folder:
        assert str(folder).startswith("/var/tmp/ray-")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("/var/" + "x" * 60, "is 65 characters long"),
        ("/nowhere", "/nowhere cannot be written"),
    ],
)
def test_a_place_that_will_not_do_is_said_with_what_to_do(monkeypatch, place, said):
    monkeypatch.setenv("RAY_TMPDIR", place)
    with pytest.raises(ConnectionError, match=said + ".*set RAY_TMPDIR"), temp_folder():
        pass


def test_full_places_are_passed_over(monkeypatch):
    """Nothing has as much room as is asked for here."""
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setattr(module, "ROOM_BYTES", 1 << 70)
    with pytest.raises(ConnectionError, match=r"/tmp has .* MB free; /var/tmp has"), temp_folder():
        pass
