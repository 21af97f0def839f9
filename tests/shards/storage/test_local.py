"""A local folder gives its own files, and none that is not whole."""

import pytest

from shards.errors import DamagedShardError
from shards.storage.local import Folder, SetFile


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "a.tar").write_bytes(b"1234567")
    return Folder(tmp_path)


@pytest.mark.parametrize("num_bytes", [7, 0])
def test_a_file_of_its_size_is_itself_and_0_is_any_size(folder, tmp_path, num_bytes):
    assert folder.local(SetFile("cases/a.tar", num_bytes, "any hash")) == tmp_path / "cases/a.tar"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cases/a.tar", "has 7 bytes instead of 8"),
        ("cases/b.tar", "is absent"),
        ("cases", "is absent"),
    ],
)
def test_what_is_no_whole_file_is_named_with_what_to_do(folder, tmp_path, name, said):
    with pytest.raises(DamagedShardError) as caught:
        folder.local(SetFile(name, 8, ""))
    assert str(caught.value).startswith(f"{tmp_path / name} {said}: run ")
    assert "build-shards" in str(caught.value)


def test_an_empty_file_is_a_file(folder, tmp_path):
    (tmp_path / "empty").touch()
    assert folder.local(SetFile("empty", 0, "")).stat().st_size == 0


def test_the_originals_are_never_touched(folder, tmp_path):
    file = SetFile("cases/a.tar", 7, "")
    folder.prefetch([file])
    folder.release(file)
    folder.discard(file)
    assert (tmp_path / "cases" / "a.tar").read_bytes() == b"1234567"
    assert folder.local(file).exists()
