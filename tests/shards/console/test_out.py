"""Every command looks at `--out` before any work, and refuses the same places."""

import errno
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from ingest.__main__ import main as ingest
from ingest.options import BuildShards, Preview
from ingest.phantom.data_set import PhantomSet
from lungseg.calibrate import main as calibrate
from lungseg.calibration.options import CalibrateOptions
from lungseg.compare import CompareOptions
from lungseg.compare import main as compare
from lungseg.evaluate import main as evaluate
from lungseg.evaluation.options import EvaluateOptions
from lungseg.export import main as export
from lungseg.fit import main as fit
from lungseg.inference.options import PredictOptions
from lungseg.options.fit import FitOptions
from lungseg.portable.options import ExportOptions
from lungseg.predict import main as predict
from shards.console.errors import KnownError
from shards.console.out import (
    OutError,
    refuse_foreign,
    refuse_out,
    refuse_out_file,
    resolved,
    url_of,
)
from tune.options.config import SearchOptions
from tune.search import main as search

COMMANDS = {
    "phantom": lambda out, source: ingest(PhantomSet(out=out)),
    "build-shards": lambda out, source: ingest(BuildShards(source=source, out=str(out))),
    "preview": lambda out, source: ingest(Preview(shards=str(source), out=out / "sheet.png")),
    "fit": lambda out, source: fit(FitOptions.of(shards=str(source), out=out)),
    "fit --folds": lambda out, source: fit(
        FitOptions.of(shards=str(source), out=out, folds=["all"])
    ),
    "evaluate": lambda out, source: evaluate(
        EvaluateOptions(checkpoint=source / "best.ckpt", source=source, out=out)
    ),
    "predict": lambda out, source: predict(
        PredictOptions(checkpoint=source / "best.ckpt", input=source, out=out)
    ),
    "search": lambda out, source: search(SearchOptions.of(shards=str(source), out=out)),
}
FILES = {
    "new.ckpt": lambda out, read: calibrate(
        CalibrateOptions(checkpoint=read / "best.ckpt", source=read, out=out, overwrite=True)
    ),
    "model.onnx": lambda out, read: export(
        ExportOptions(checkpoint=read / "best.ckpt", out=out, overwrite=True)
    ),
    "two.html": lambda out, read: compare(
        CompareOptions(first=read, second=read, out=out, overwrite=True)
    ),
}
LEAVES = {
    "a shard set": ("build-shards", ["manifest.json", "index.parquet", "cases/a.tar"]),
    "an unfinished shard set": ("build-shards", [".build/plan.json", "cases/a.tar"]),
    "a training": ("fit", ["config.yaml", "last.ckpt", "best.ckpt", "metrics.csv"]),
    "a training just begun": ("fit", ["config.yaml", "tensorboard/events"]),
    "a cross-validation": ("fit --folds", ["config.yaml", "folds.csv", "fold_0/last.ckpt"]),
    "an evaluation": ("evaluate", ["config.yaml", "metrics.json", "cases.csv"]),
    "predictions": ("predict", ["config.yaml", "predictions.csv", "a.nii.gz"]),
    "a search": ("search", ["config.yaml", "identity.json", "best.ckpt"]),
    "other files": (None, ["thesis.tex"]),
    "a data set of scans": (None, ["dataset.json", "imagesTr/a.nii.gz"]),
    "a Python package": (None, ["__init__.py", "codec.py"]),
    "a checkout": (None, [".git/index", "README.md"]),
}
READERS = [name for name in COMMANDS if name != "phantom"]
FOLDERS = [name for name in COMMANDS if name != "preview"]


@pytest.fixture
def source(tmp_path):
    """Something to read that no command can use: work on it would fail in another way."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "notes.txt").write_text("no scans")
    return folder


def fill(folder, names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}")


def bytes_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refusal(command, out, source):
    with pytest.raises(OutError) as caught:
        COMMANDS[command](out, source)
    assert str(caught.value).startswith(f"--out {out}")
    return str(caught.value)


@pytest.mark.parametrize("what", LEAVES)
@pytest.mark.parametrize("command", FOLDERS)
def test_what_another_command_or_person_left_is_refused_and_kept(command, what, source, tmp_path):
    maker, names = LEAVES[what]
    out = tmp_path / "out"
    fill(out, names)
    before = bytes_of(tmp_path)
    if maker == command:  # its own: refused, if at all, by what it asks then
        with pytest.raises(KnownError) as caught:
            COMMANDS[command](out, source)
        assert not isinstance(caught.value, OutError)
    else:
        said = refusal(command, out, source)
        words = what.removesuffix(" just begun").replace("an unfinished", "a")
        assert any(f"{verb} {words}" in said for verb in ("holds", "is"))
        assert "choose another --out" in said
    assert bytes_of(tmp_path) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_a_place_that_is_a_file_or_lies_below_one_is_refused(command, source, tmp_path):
    (tmp_path / "file").write_text("mine")
    out = tmp_path / "file"
    for place in (out, out / "below"):
        with pytest.raises(OutError, match=r"file|directory"):
            COMMANDS[command](place, source)
    assert out.read_text() == "mine"


@pytest.mark.parametrize("command", READERS)
def test_what_is_read_is_not_written_into(command, source):
    for out in (source / "new", source / "a" / "b"):
        with pytest.raises(OutError, match="which is read"):
            COMMANDS[command](out, source)
    with pytest.raises(OutError):
        COMMANDS[command](source, source)
    assert [path.name for path in source.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_package_and_a_shard_set_get_no_folder_inside(command, source, tmp_path):
    fill(tmp_path / "package", ["__init__.py"])
    fill(tmp_path / "set", ["manifest.json", "index.parquet"])
    with pytest.raises(OutError, match="lies in the Python package"):
        COMMANDS[command](tmp_path / "package" / "new", source)
    with pytest.raises(OutError, match="lies in the shard set"):
        COMMANDS[command](tmp_path / "set" / "new" / "deep", source)
    assert not (tmp_path / "package" / "new").exists()
    assert not (tmp_path / "set" / "new").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_place_without_rights_or_room_is_refused_before_work(
    command, source, tmp_path, monkeypatch
):
    def no(kind):
        def fail(**_):
            raise OSError(kind, os.strerror(kind))

        return fail

    out = tmp_path / "new"
    for kind, said in (
        (errno.EACCES, "Permission denied"),
        (errno.EROFS, "Read-only"),
        (errno.ENOSPC, "full disk"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(tempfile, "TemporaryFile", no(kind))
            with pytest.raises(OutError, match=said):
                COMMANDS[command](out, source)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 1000))
        with pytest.raises(OutError, match="MB free"):
            COMMANDS[command](out, source)
    assert not out.exists()


@pytest.mark.parametrize("command", READERS)
def test_an_absent_an_empty_and_a_hidden_files_folder_are_taken(command, source, tmp_path):
    (tmp_path / "empty").mkdir()
    fill(tmp_path / "mac", [".DS_Store"])
    for out in ("absent", "empty", "mac"):
        with pytest.raises(KnownError) as caught:
            COMMANDS[command](tmp_path / out, source)
        assert not isinstance(caught.value, OutError)


def test_the_folder_shards_of_a_checkout_is_no_place_for_shards(source):
    package = Path(__file__).parents[3] / "shards"
    assert "Python package" in refusal("build-shards", package, source)


def test_a_picture_replaces_a_picture_only(source, tmp_path):
    picture = tmp_path / "sheet.png"
    picture.write_bytes(b"\x89PNG\r\n...")
    with pytest.raises(KnownError) as caught:
        COMMANDS["preview"](tmp_path, source)
    assert not isinstance(caught.value, OutError)
    picture.write_text("not a picture")
    with pytest.raises(OutError, match="file of another kind"):
        COMMANDS["preview"](tmp_path, source)
    picture.unlink()
    picture.mkdir()
    with pytest.raises(OutError, match="is a folder"):
        COMMANDS["preview"](tmp_path, source)


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_refused_before_work_where_it_cannot_be_or_would_replace_another_kind(
    name, source, tmp_path, monkeypatch
):
    def full(**_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / name).write_text("years of work")
    with pytest.raises(OutError, match=rf"thesis/{name} is a file of another kind"):
        FILES[name](tmp_path / "thesis" / name, source)
    assert (tmp_path / "thesis" / name).read_text() == "years of work"
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(OutError, match=rf"^--out {tmp_path}/new/{name} lies on a full disk"):
        FILES[name](tmp_path / "new" / name, source)
    assert not (tmp_path / "new").exists()


def test_names_at_a_url_are_judged_alike():
    refuse_foreign("s3://b/set", ["manifest.json", "index.parquet", "cases"], "shards")
    refuse_foreign("s3://b/set", [], "shards")
    with pytest.raises(
        OutError, match=r"--out s3://b/set holds other files \(a, b, c, d and 1 more\)"
    ):
        refuse_foreign("s3://b/set", ["e", "d", "a", "b", "c"], "shards")


def test_a_url_is_refused_where_a_command_knows_only_files():
    with pytest.raises(OutError, match=r"^--out s3://b/run is a URL"):
        refuse_out(Path("s3://b/run"), "predictions")
    with pytest.raises(OutError, match=r"^--out s3://b/new\.ckpt is a URL"):
        refuse_out_file(Path("s3://b/new.ckpt"), starts_with=b"PK")


def test_a_path_holds_in_any_folder_and_a_url_stays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resolved(Path("runs/../best.ckpt")) == tmp_path / "best.ckpt"
    url = Path("s3://bucket/run/best.ckpt")
    assert resolved(url) == url
    assert url_of(resolved(url)) == "s3://bucket/run/best.ckpt"
