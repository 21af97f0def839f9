"""The laws of the build: whole or named, same bytes however it came about, resumable."""

import errno
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import cv2
import nibabel as nib
import numpy as np
import pytest
import webdataset as wds

from ingest.__main__ import show
from ingest.case import BadCaseError, Case
from ingest.job import journal
from ingest.job.build import build_shards
from ingest.job.one_case import Outcome, build_case
from ingest.options import BuildShards
from shards.arrow import from_parquet
from shards.errors import ShardError, StoreError
from shards.manifest import Manifest
from tests.toy_cases import slices_of

SHAPE = (24, 20, 8)
SLICES = {"size": 16, "drop_slices": 2}


NAMES = ("lung_001", "lung_002", "lung_003")


def make_source(folder, *, names=NAMES, tumor=slice(3, 6), affine=None):
    """An MSD layout with small random scans."""
    affine = np.eye(4) if affine is None else affine
    for name in names:
        rng = np.random.default_rng(list(name.encode()))
        mask = np.zeros(SHAPE, np.uint8)
        mask[4:12, 5:9, tumor] = 1
        for kind, array in (
            ("imagesTr", rng.integers(-1000, 1000, SHAPE, dtype=np.int16)),
            ("labelsTr", mask),
        ):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(array, affine), folder / kind / f"{name}.nii.gz")
    return folder


def build(source, out, *, workers=1, **options):
    return build_shards(
        BuildShards(source=source, out=str(out), workers=workers, **{**SLICES, **options})
    )


def manifest_of(out):
    return Manifest.from_json((out / "manifest.json").read_bytes(), where=str(out))


def files_of(out):
    """Every file of a set with its bytes."""
    return {
        str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()
    }


def times_of(out):
    return {path: path.stat().st_mtime_ns for path in out.rglob("*.tar")}


@pytest.fixture
def source(tmp_path):
    return make_source(tmp_path / "source")


def test_a_finished_set_holds_manifest_index_and_one_tar_per_case(source, tmp_path):
    build(source, tmp_path / "out")
    assert sorted(files_of(tmp_path / "out")) == [
        "cases/lung_001.tar",
        "cases/lung_002.tar",
        "cases/lung_003.tar",
        "index.parquet",
        "manifest.json",
    ]


def test_shards_hold_the_slices_of_the_recipe_for_plain_webdataset(source, tmp_path):
    build(source, tmp_path / "out")
    case = Case(
        name="lung_002",
        image=source / "imagesTr/lung_002.nii.gz",
        label=source / "labelsTr/lung_002.nii.gz",
        patient="lung_002",
    )
    shard = str(tmp_path / "out/cases/lung_002.tar")
    samples = list(wds.WebDataset(shard, shardshuffle=False).decode())
    records = slices_of(case, BuildShards(source=source, out="", **SLICES).recipe)
    assert [sample["__key__"] for sample in samples] == [record.key for record in records]
    for sample, record in zip(samples, records, strict=True):
        np.testing.assert_array_equal(sample["ct.npy"], record.image)
        np.testing.assert_array_equal(sample["mask.npy.gz"], record.mask)


def test_manifest_and_index_agree_with_the_sources(source, tmp_path):
    build(source, tmp_path / "out")
    manifest = manifest_of(tmp_path / "out")
    index = from_parquet((tmp_path / "out/index.parquet").read_bytes(), where="")
    assert index.cases == tuple(manifest.cases) == tuple(sorted(manifest.folds))
    assert manifest.recipe["drop_slices"] == 2
    entry = manifest.cases["lung_001"]
    assert (entry.shape, entry.orientation) == (SHAPE, "RAS")
    assert (entry.slices, entry.slices_dropped, entry.tumor_slices) == (6, 2, 3)
    assert (entry.tumor_voxels, entry.tumor_voxels_dropped) == (3 * 32, 0)
    assert entry.source["image"]["file"] == "imagesTr/lung_001.nii.gz"
    assert len(index) == sum(entry.slices for entry in manifest.cases.values())


def test_tumor_that_the_recipe_drops_is_counted_and_said(tmp_path, caplog):
    source = make_source(tmp_path / "source", names=("some",), tumor=slice(1, 4))
    make_source(source, names=("all",), tumor=slice(0, 2))
    make_source(source, names=("none",), tumor=slice(3, 6))
    summary = build(source, tmp_path / "out")
    cases = manifest_of(tmp_path / "out").cases
    assert cases["all"].tumor_voxels_dropped == 64
    assert cases["some"].tumor_voxels_dropped == 32
    said = "\n".join(caplog.messages)
    assert "all: ALL TUMOR LOST: 64 tumor voxels, all in slices that are dropped: keep them" in said
    assert "some: 32 of 96 tumor voxels" in said
    assert "none:" not in said
    assert summary["tumor_voxels_dropped"] == 96
    assert summary["cases_without_their_tumor"] == ["all"]


def test_any_number_of_workers_gives_the_same_bytes(source, tmp_path):
    build(source, tmp_path / "one", workers=1)
    build(source, tmp_path / "three", workers=3)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "three")


def test_a_second_run_touches_nothing(source, tmp_path):
    build(source, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.*")}
    assert build(source, tmp_path / "out")["built_now"] == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.*")} == before


def test_a_kill_between_the_manifest_and_the_clean_up_leaves_only_the_clean_up(source, tmp_path):
    build(source, tmp_path / "out")
    before = files_of(tmp_path / "out")
    (tmp_path / "out/.build/staging").mkdir(parents=True)
    (tmp_path / "out/.build/plan.json").write_text("{}")
    assert build(source, tmp_path / "out")["built_now"] == 0
    assert files_of(tmp_path / "out") == before
    assert not (tmp_path / "out/.build").exists()


def test_only_a_changed_source_is_built_again(source, tmp_path):
    build(source, tmp_path / "out")
    before = times_of(tmp_path / "out")
    make_source(tmp_path / "other", names=("a", "b", "c", "d"))
    shutil.copy(tmp_path / "other/imagesTr/d.nii.gz", source / "imagesTr/lung_002.nii.gz")
    assert build(source, tmp_path / "out")["built_now"] == 1
    changed = {
        path.name for path, time in times_of(tmp_path / "out").items() if before[path] != time
    }
    assert changed == {"lung_002.tar"}
    build(source, tmp_path / "fresh")
    assert files_of(tmp_path / "fresh") == files_of(tmp_path / "out")


def test_only_a_missing_shard_is_built_again(source, tmp_path):
    build(source, tmp_path / "out")
    before = files_of(tmp_path / "out")
    (tmp_path / "out/cases/lung_003.tar").unlink()
    assert build(source, tmp_path / "out")["built_now"] == 1
    assert files_of(tmp_path / "out") == before


def test_another_recipe_builds_everything_again(source, tmp_path):
    build(source, tmp_path / "out")
    assert build(source, tmp_path / "out", size=12, replace=True)["built_now"] == 3
    options = {"size": 12, "compress": True, "replace": True}
    assert build(source, tmp_path / "out", **options)["built_now"] == 3
    build(source, tmp_path / "fresh", size=12, compress=True)
    assert files_of(tmp_path / "fresh") == files_of(tmp_path / "out")


def test_another_recipe_is_refused_with_what_differs_and_leaves_all_as_it_was(source, tmp_path):
    build(source, tmp_path / "out")
    before = files_of(tmp_path / "out")
    with pytest.raises(ShardError, match=r"holds 3 shards of another recipe \(.*--replace") as told:
        build(source, tmp_path / "out", drop_slices=None, drop_mm=3.0, compress=True, clip=(-9, 9))
    for difference in (
        "--clip was -1000 3071, is -9 9",
        "--compress was False, is True",
        "--drop-mm was not given, is 3.0",
        "--drop-slices was 2, is not given",
    ):
        assert difference in str(told.value)
    assert "--size" not in str(told.value)
    assert files_of(tmp_path / "out") == before


def test_a_build_that_was_cut_off_is_not_replaced_by_another_recipe_unsaid(
    source, tmp_path, monkeypatch
):
    record, seen = journal.record, []

    def cut_off(*known):
        record(*known)
        seen.append(known)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("ingest.job.journal.record", cut_off)
        with pytest.raises(KeyboardInterrupt):
            build(source, tmp_path / "out")
    with pytest.raises(ShardError, match="holds 1 shard of another recipe"):
        build(source, tmp_path / "out", size=12)
    assert build(source, tmp_path / "out")["built_now"] == 2


def test_a_set_of_a_recipe_with_fewer_options_than_today_stays(source, tmp_path):
    build(source, tmp_path / "out")
    manifest = manifest_of(tmp_path / "out")
    del manifest.recipe["roi"]
    (tmp_path / "out/manifest.json").write_text(manifest.to_json())
    assert build(source, tmp_path / "out")["built_now"] == 0


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"drop_slices": 6}, "--replace --drop-slices 0, or accept"),
        ({"size": 1}, "--replace a larger --size, at most 24, or accept"),
    ],
)
def test_a_lost_tumor_is_no_success_unless_accepted(source, tmp_path, caplog, options, advice):
    for on_error in ("fail", "skip"):
        lossy = build(source, tmp_path / "out", on_error=on_error, **options)
        assert lossy["exit_code"] == 1
    assert lossy["cases_without_their_tumor"] == list(NAMES)
    said = "3 cases of 3 lost the whole tumor (lung_001, lung_002, lung_003): build again with"
    assert f"{said} {advice} that with --accept-lost-tumor" in caplog.messages
    accepted = build(source, tmp_path / "out", accept_lost_tumor=True, **options)
    assert (accepted["exit_code"], accepted["built_now"]) == (0, 0)


def build_or_hang(task):
    """Build a case, unless it is the one that is never read to its end."""
    if task.case.name == "lung_002":
        os.kill(os.getpid(), signal.SIGSTOP)
    return build_case(task)


@pytest.mark.slow
def test_a_case_that_hangs_is_rejected_and_the_others_built(source, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("ingest.job.engines.build_case", build_or_hang)
    summary = build(source, tmp_path / "out", workers=2, case_minutes=0.1)
    assert (summary["cases"], summary["exit_code"]) == (2, 1)
    assert "it took over 0.1 minutes, twice" in summary["rejected"]["lung_002"]
    assert "lung_002: it took over 0.1 minutes and was stopped, it is tried" in caplog.text
    monkeypatch.undo()
    assert build(source, tmp_path / "out")["built_now"] == 1


def test_a_case_taken_out_of_the_source_leaves_the_set(source, tmp_path, caplog):
    build(source, tmp_path / "out")
    for kind in ("imagesTr", "labelsTr"):
        (source / kind / "lung_001.nii.gz").unlink()
    assert build(source, tmp_path / "out")["built_now"] == 0
    assert "lung_001 is not in" in caplog.text
    assert sorted(path.name for path in (tmp_path / "out/cases").iterdir()) == [
        "lung_002.tar",
        "lung_003.tar",
    ]
    assert "lung_001" not in manifest_of(tmp_path / "out").cases


def test_folds_change_without_touching_a_shard(source, tmp_path):
    build(source, tmp_path / "out")
    before, folds = times_of(tmp_path / "out"), manifest_of(tmp_path / "out").folds
    seed = 1
    while manifest_of(tmp_path / "out").folds == folds:
        build(source, tmp_path / "out", seed=seed)
        seed += 1
    assert times_of(tmp_path / "out") == before


def test_bad_cases_are_rejected_by_name_and_the_others_built(source, tmp_path, caplog):
    path = source / "imagesTr/lung_002.nii.gz"
    path.write_bytes(path.read_bytes()[:-3000])
    (source / "labelsTr/lung_003.nii.gz").unlink()
    summary = build(source, tmp_path / "out")
    assert summary["exit_code"] == 1
    assert sorted(summary["rejected"]) == ["lung_002", "lung_003"]
    assert "truncated" in summary["rejected"]["lung_002"]
    assert "has no label" in summary["rejected"]["lung_003"]
    assert sorted(files_of(tmp_path / "out")) == [
        "cases/lung_001.tar",
        "index.parquet",
        "manifest.json",
    ]
    assert manifest_of(tmp_path / "out").rejected == summary["rejected"]
    assert sum(message.startswith("rejected lung_00") for message in caplog.messages) == 2
    assert build(source, tmp_path / "out", on_error="skip")["exit_code"] == 0


def test_a_rejected_case_is_read_again_only_when_its_files_change(source, tmp_path, caplog):
    path = source / "imagesTr/lung_002.nii.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[:-3000])
    rejected = build(source, tmp_path / "out")["rejected"]
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.*")}
    caplog.clear()
    again = build(source, tmp_path / "out")
    assert (again["built_now"], again["rejected"], again["exit_code"]) == (0, rejected, 1)
    assert caplog.messages == [f"rejected lung_002: {rejected['lung_002']}"]
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.*")} == before
    path.write_bytes(whole)
    assert build(source, tmp_path / "out")["rejected"] == {}


def test_a_case_that_failed_by_bad_luck_is_tried_again(source, tmp_path, monkeypatch):
    def unlucky(_build, left):
        return ((k, Outcome(reason="its worker was killed")) for k in range(1, len(left)))

    with monkeypatch.context() as patched:
        patched.setattr("ingest.job.engines.built", unlucky)
        with pytest.raises(BadCaseError, match="none of 2 cases could be built"):
            build(source, tmp_path / "out")
    build(source, tmp_path / "out")
    (tmp_path / "out/cases/lung_001.tar").unlink()
    (tmp_path / "out/cases/lung_002.tar").unlink()
    with monkeypatch.context() as patched:
        patched.setattr("ingest.job.engines.built", unlucky)
        assert list(build(source, tmp_path / "out")["rejected"]) == ["lung_002"]
    assert build(source, tmp_path / "out")["rejected"] == {}


def test_nothing_to_do_in_64_cases_takes_under_a_second_of_the_processor(tmp_path):
    source = make_source(tmp_path / "source", names=[f"lung_{k:03d}" for k in range(64)])
    build(source, tmp_path / "out", workers=2)
    began = time.process_time()
    assert build(source, tmp_path / "out", workers=2)["built_now"] == 0
    assert time.process_time() - began < 1


def test_a_build_that_is_cut_off_still_takes_out_what_had_to_go(source, tmp_path, monkeypatch):
    build(source, tmp_path / "out")
    for kind in ("imagesTr", "labelsTr"):
        (source / kind / "lung_002.nii.gz").unlink()
    make_source(tmp_path / "other", names=("d",))
    shutil.copy(tmp_path / "other/imagesTr/d.nii.gz", source / "imagesTr/lung_003.nii.gz")

    def cut_off(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("ingest.job.journal.record", cut_off)
        with pytest.raises(KeyboardInterrupt):
            build(source, tmp_path / "out")
    build(source, tmp_path / "out")
    build(source, tmp_path / "fresh")
    assert files_of(tmp_path / "out") == files_of(tmp_path / "fresh")


def test_shards_that_older_libraries_made_are_said_to_be_so(source, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("cv2.__version__", "1.0")
        build(source, tmp_path / "out")
    now = manifest_of(tmp_path / "out").tools["opencv"]
    assert now == "1.0"
    (tmp_path / "out/cases/lung_003.tar").unlink()
    build(source, tmp_path / "out")
    assert manifest_of(tmp_path / "out").tools["opencv"] == f"1.0, {cv2.__version__}"
    build(source, tmp_path / "out", size=12, replace=True)
    assert manifest_of(tmp_path / "out").tools["opencv"] == cv2.__version__


def test_a_change_before_the_last_gzip_member_is_seen(source, tmp_path):
    path = source / "imagesTr/lung_001.nii.gz"
    content = gzip.decompress(path.read_bytes())

    def in_two_members(first):
        packed = [gzip.compress(part, 0, mtime=0) for part in (first, content[900:])]
        path.write_bytes(b"".join(packed))

    in_two_members(content[:900])
    build(source, tmp_path / "out")
    in_two_members(content[:899] + bytes([content[899] ^ 1]))
    assert build(source, tmp_path / "out")["built_now"] == 1


def test_shards_that_are_replaced_make_room_for_the_new_ones(source, tmp_path, monkeypatch):
    build(source, tmp_path / "out")
    free = (16 << 20) + 50_000  # less than three shards
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, free))
    assert build(source, tmp_path / "out", clip=(-900, 900), replace=True)["built_now"] == 3
    with pytest.raises(StoreError, match="needs about"):
        build(source, tmp_path / "out", size=128, replace=True)


def test_a_full_temporary_folder_is_not_blamed_on_the_target(tmp_path, monkeypatch):
    def full():
        raise OSError(errno.ENOSPC, "No space left on device")

    source = make_source(tmp_path / "source", affine=np.diag([1, 1, -1, 1]))  # from the head down
    monkeypatch.setattr("tempfile.TemporaryFile", full)
    monkeypatch.setattr("ingest.job.processes.run", lambda f, tasks, **_: enumerate(map(f, tasks)))
    with pytest.raises(StoreError, match=r"the temporary folder .* set TMPDIR"):
        build(source, tmp_path / "out")


def test_the_command_starts_without_torch_and_ray():
    script = "import sys, ingest.__main__, ingest.job.build; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert not {"torch", "ray", "nibabel", "pyarrow", "pydicom"} & set(done.stdout.split())


def test_the_summary_for_people_is_plain_lines():
    result = {"cases": 1200, "lost": [], "few": ["a", "b"], "rejected": {"c": "why", "d": "x"}}
    assert show(result).splitlines() == [
        *("cases: 1,200", "lost: none", "few: a, b"),
        *("rejected: ", "  c: why", "  d: x"),
    ]


def test_a_build_says_what_comes_next():
    said = show({"shards": "s3://bucket/set", "built_now": 0}).splitlines()[-1]
    assert said.startswith("next: ")
    for command in ("ingest preview", "lungseg.fit"):
        assert f"`python -m {command} --shards s3://bucket/set --out " in said


def test_a_case_that_turned_bad_loses_its_shard(source, tmp_path):
    build(source, tmp_path / "out")
    path = source / "imagesTr/lung_002.nii.gz"
    path.write_bytes(path.read_bytes()[:-3000])
    assert list(build(source, tmp_path / "out")["rejected"]) == ["lung_002"]
    assert not (tmp_path / "out/cases/lung_002.tar").exists()


def test_a_source_without_a_usable_case_leaves_no_output(source, tmp_path):
    for path in source.glob("labelsTr/*"):
        path.unlink()
    with pytest.raises(BadCaseError, match="none of 3 cases could be built"):
        build(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_in_another_layout_is_refused(tmp_path):
    with pytest.raises(BadCaseError, match=r"MSD layout.*found none in"):
        build(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "series.zip").write_bytes(b"")
    with pytest.raises(BadCaseError, match=r"unpack .*series\.zip first"):
        build(tmp_path, tmp_path / "out")


def test_a_set_of_another_source_is_not_overwritten(source, tmp_path):
    build(source, tmp_path / "out")
    before = files_of(tmp_path / "out")
    with pytest.raises(ShardError, match="holds shards of 'source', this source is 'other'"):
        build(make_source(tmp_path / "other"), tmp_path / "out")
    assert files_of(tmp_path / "out") == before


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["--drop-slices", "2", "--size", "16", "--json"], 0, ""),
        (["--source", "/nowhere"], 1, "/nowhere is no folder: check the path"),
        (["--size", "0"], 2, "--size must be at least 1 and at most 4096, got 0"),
        (["--slize", "3"], 2, "--slize"),
    ],
)
def test_the_command_says_in_one_line_what_is_wrong(source, tmp_path, flags, code, said):
    command = [sys.executable, "-m", "ingest", "build-shards", "--source", str(source)]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "out"), *flags], capture_output=True, text=True
    )
    assert done.returncode == code, done.stderr
    if code == 0:
        assert json.loads(done.stdout)["cases"] == 3
    else:
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
        assert not (tmp_path / "out").exists()


@pytest.mark.data
def test_real_scans_become_shards_and_lost_tumors_are_said(real_data, tmp_path, caplog):
    plain = BuildShards(source=real_data / "lung", out=str(tmp_path / "out"), drop_slices=30)
    summary = build_shards(plain)
    assert (summary["cases"], summary["exit_code"]) == (5, 1)
    assert summary["cases_without_their_tumor"] == ["lung_906"]
    assert "lung_906: ALL TUMOR LOST" in "\n".join(caplog.messages)
    entry = manifest_of(tmp_path / "out").cases["lung_906"]
    assert entry.tumor_volume_ml == pytest.approx(48.4, abs=0.1)
    default = build_shards(BuildShards(source=real_data / "lung", out=str(tmp_path / "default")))
    assert (default["cases_without_their_tumor"], default["exit_code"]) == ([], 0)
    thin = {name: e.slices_dropped for name, e in manifest_of(tmp_path / "default").cases.items()}
    assert thin == {f"lung_{n}": 30 if n in (902, 903) else 0 for n in (902, 903, 905, 906, 907)}


@pytest.mark.parametrize(
    ("labels", "said"), [((), "no label marks any"), ((7,), r"values of --tumor-labels, \[7\]")]
)
def test_a_set_in_which_no_case_shows_tumor_is_said(tmp_path, caplog, labels, said):
    source = make_source(tmp_path / "source", tumor=slice(3, 6) if labels else slice(0, 0))
    result = build(source, tmp_path / "shards", tumor_labels=labels)
    assert (result["tumor_slices"], result["exit_code"]) == (0, 0)
    assert re.search("no case shows tumor: .*" + said, caplog.text)


def test_a_name_that_would_break_a_line_stands_in_quotes(tmp_path, caplog):
    source = make_source(tmp_path / "source")
    (source / "imagesTr" / "lung\n9.nii.gz").write_bytes(b"")
    result = build(source, tmp_path / "shards", on_error="skip")
    assert "rejected 'lung\\n9': " in caplog.text
    assert "\n  'lung\\n9': " in show(result)
