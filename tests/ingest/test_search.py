"""Every file of a tree is found once, however links run; what is left out is said."""

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.search import files_below


def made(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def found(folder):
    return [str(path.relative_to(folder)) for path in files_below(folder)]


def test_links_to_folders_and_files_are_followed(tmp_path):
    archive = made(tmp_path / "archive", "p0/a", "p1/deep/b", "c")
    study = made(tmp_path / "study", "p2/d")
    (study / "p0").symlink_to(archive / "p0")
    (study / "p1").symlink_to("../archive/p1")
    (study / "e").symlink_to(archive / "c")
    assert sorted(found(study)) == ["e", "p0/a", "p1/deep/b", "p2/d"]


def test_the_folder_itself_may_be_a_link(tmp_path):
    made(tmp_path / "real", "a/b")
    (tmp_path / "link").symlink_to("real")
    assert list(files_below(tmp_path / "link")) == [tmp_path / "link/a/b"]


def test_circles_end_and_are_named(tmp_path, caplog):
    folder = made(tmp_path, "a/b/file")
    (folder / "a/b/up").symlink_to("../..")
    (folder / "a/self").symlink_to(".")
    assert found(folder) == ["a/b/file"]
    (line,) = caplog.messages
    assert line.startswith("left out links to folders that are searched already: ")
    assert "a/b/up" in line
    assert "a/self" in line


def test_a_folder_that_is_reached_twice_keeps_its_own_name(tmp_path):
    folder = made(tmp_path, "z/inner/file")
    (folder / "a").symlink_to("z")
    (folder / "b").symlink_to("z/inner")
    assert found(folder) == ["z/inner/file"]


def test_a_link_to_nothing_is_no_less_a_file(tmp_path):
    (tmp_path / "gone").symlink_to("nowhere")
    assert found(tmp_path) == ["gone"]


def test_a_folder_without_rights_is_named(tmp_path, caplog, monkeypatch):
    made(tmp_path, "a/file", "b/file")
    scandir = os.scandir

    def refuse(path):
        if os.path.basename(path) == "a":  # noqa: PTH119 (root may read every folder)
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert found(tmp_path) == ["b/file"]
    assert caplog.messages == [
        f"left out folders that cannot be read: {tmp_path / 'a'} (Permission denied)"
    ]


folders = st.sampled_from(["", "a", "a/b", "c", "c/d/e"])


@given(links=st.dictionaries(st.tuples(folders, st.sampled_from("xy")), folders, max_size=6))
@settings(max_examples=40, deadline=None)
def test_every_real_file_is_found_once_whatever_the_links(tmp_path_factory, links):
    root = made(tmp_path_factory.mktemp("tree"), "0", "a/1", "a/b/2", "c/3", "c/d/e/4")
    real = sorted(path for path in root.rglob("*") if path.is_file())
    for (folder, name), target in links.items():
        (root / folder / name).symlink_to(root / target)
    assert sorted(files_below(root)) == real


def test_what_is_no_folder_holds_no_files(tmp_path, caplog):
    (tmp_path / "file").touch()
    assert list(files_below(tmp_path / "file")) == list(files_below(tmp_path / "absent")) == []
    assert caplog.messages == []
