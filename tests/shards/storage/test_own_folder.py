"""Temporary folders of processes, some of which were killed."""

from shards.storage.own_folder import own_folder


def test_that_of_a_killed_process_goes_and_that_of_a_living_one_stays(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with own_folder() as living:
        left = living.with_name(living.name + "-left")
        left.mkdir()
        with own_folder() as another:
            assert another != living
            assert living.exists()
            assert not left.exists()
    assert list(tmp_path.iterdir()) == []
