"""Where a set lies, and what is there instead of one."""

from pathlib import Path

import pytest

from shards.errors import ManifestError, ShardError, StoreError
from shards.storage.attempts import Retries
from shards.storage.place import locate, manifest_bytes

QUICK = Retries(attempts=1)


@pytest.mark.parametrize("said", ["{}", "{}/", "file://{}"])
def test_a_folder_is_itself_however_it_is_called(tmp_path, said):
    assert locate(said.format(tmp_path)) == (str(tmp_path), None)
    assert locate(Path(said.format(tmp_path)))[1] is None


def test_a_url_has_a_server_and_is_shown_without_its_secrets():
    shown, remote = locate("https://me:secret@host/set?key=secret")
    assert shown == "https://host/set"
    assert remote.url == "https://me:secret@host/set?key=secret"
    assert locate("s3://bucket/set/")[1].url == "s3://bucket/set"
    assert locate("s3://bucket/set", QUICK)[1].retries == QUICK


def test_the_manifest_of_a_folder_and_of_a_url_is_the_file(shard_folder, serve):
    file = (shard_folder / "manifest.json").read_bytes()
    assert manifest_bytes(*locate(shard_folder)) == file
    assert manifest_bytes(*locate(serve(shard_folder).url)) == file


def test_what_a_server_gives_instead_of_a_manifest_is_refused(shard_folder, serve):
    (shard_folder / "manifest.json").write_text("<html>log in first</html>")
    with pytest.raises(ShardError) as caught:
        manifest_bytes(*locate(serve(shard_folder).url, QUICK))
    assert isinstance(caught.value, ManifestError | StoreError)


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.write_text(""), "is a file"),
        (lambda path: path.mkdir(), "is an empty folder"),
        (lambda path: (path / ".build").mkdir(parents=True), "a build that is not finished"),
        (lambda path: (path / "more").mkdir(parents=True), r"holds no manifest\.json"),
    ],
)
def test_what_is_no_set_says_what_it_is(tmp_path, make, found):
    make(tmp_path / "here")
    with pytest.raises(ShardError, match=f"here.* {found}.*build-shards"):
        manifest_bytes(*locate(tmp_path / "here"))


@pytest.mark.parametrize(
    ("holds", "advice"),
    [
        ("dataset.json", r"these are scans, .* --source \S+/here --out SHARDS`"),
        ("imagesTr/x.nii.gz", r"these are scans, .* --source \S+/here --out SHARDS`"),
        ("thesis.txt", r"--source SCANS --out SHARDS`"),
        (".build/x", r"--source SCANS --out \S+/here`"),
        (None, r"--source SCANS --out \S+/here`"),
    ],
)
def test_nobody_is_told_to_build_into_what_holds_something_else(tmp_path, holds, advice):
    if holds:
        (tmp_path / "here" / holds).parent.mkdir(parents=True)
        (tmp_path / "here" / holds).write_text("")
    with pytest.raises(ShardError, match=advice):
        manifest_bytes(*locate(tmp_path / "here"))


def test_a_url_without_a_set_says_so(tmp_path, serve):
    with pytest.raises(ShardError, match=r"has no manifest\.json.*build-shards"):
        manifest_bytes(*locate(serve(tmp_path).url, QUICK))


def test_an_unreadable_manifest_is_a_known_failure(shard_folder):
    (shard_folder / "manifest.json").unlink()
    (shard_folder / "manifest.json").mkdir()
    with pytest.raises(StoreError, match=r"manifest\.json cannot be read"):
        manifest_bytes(*locate(shard_folder))
