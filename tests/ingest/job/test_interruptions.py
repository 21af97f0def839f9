"""A build that was killed, interrupted, locked out or out of room leaves nothing half done."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from ingest.job.build import build_shards
from ingest.options import BuildShards
from shards.errors import StoreError
from shards.manifest import Manifest
from shards.storage.target import locked, open_target
from tests.waiting import wait_until

NUM_CASES = 6


def make_source(folder, *, shape=(96, 96, 40), num_cases=NUM_CASES):
    for number in range(num_cases):
        rng = np.random.default_rng(number)
        mask = np.zeros(shape, np.uint8)
        mask[20:40, 30:50, 20:25] = 1
        for kind, array in (
            ("imagesTr", rng.integers(-1000, 1000, shape, dtype=np.int16)),
            ("labelsTr", mask),
        ):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            affine = np.diag([1, 1, -1 if number % 2 else 1, 1])
            nib.save(nib.Nifti1Image(array, affine), folder / kind / f"lung_{number:03d}.nii.gz")
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return make_source(tmp_path_factory.mktemp("data") / "source")


@pytest.fixture(scope="module")
def clean(source, tmp_path_factory):
    """The files of a set that was built in one go."""
    out = tmp_path_factory.mktemp("clean") / "out"
    build_shards(BuildShards(source=source, out=str(out), workers=2, drop_slices=5))
    return files_of(out)


def files_of(out):
    return {
        str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()
    }


def start(source, out, *flags):
    command = [sys.executable, "-m", "ingest", "build-shards", "--source", str(source)]
    return subprocess.Popen(
        [*command, "--out", str(out), "--workers", "2", "--drop-slices", "5", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def assert_finished_names_are_whole(out, clean):
    """Whatever lies under a final name is byte for byte what an undisturbed build makes."""
    for path in out.glob("cases/*.tar"):
        assert path.read_bytes() == clean[f"cases/{path.name}"]
        with tarfile.open(path) as archive:
            archive.getmembers()
    if (out / "manifest.json").exists():
        manifest = Manifest.from_json((out / "manifest.json").read_bytes(), where="")
        assert len(manifest.cases) == NUM_CASES


def kill_later(running, delay_s):
    with contextlib.suppress(subprocess.TimeoutExpired):
        running.wait(timeout=delay_s)
    running.kill()
    running.communicate()


def await_moment(running, condition):
    """Wait until something is so, or the process has ended."""
    wait_until(lambda: condition() or running.poll() is not None, "a moment", every_s=0.005)


def files_written(out):
    """How many files, whole or not, lie in a set that is being built, whose folders come and go."""
    return sum(len(names) for _, _, names in os.walk(out))


def finished_cases(out):
    """Names of the cases that a build which is not over has finished."""
    return [
        Path(name).stem
        for _, _, names in os.walk(out / ".build" / "done")
        for name in names
        if name.endswith(".json")
    ]


@pytest.mark.slow
def test_killed_after_any_file_and_run_again_gives_the_same_bytes(source, clean, tmp_path):
    moments = random.Random(0)
    for num_files in range(len(clean)):
        out = tmp_path / f"out{num_files}"
        running = start(source, out)
        await_moment(running, lambda out=out, least=num_files: files_written(out) > least)
        kill_later(running, moments.uniform(0, 0.1))
        assert_finished_names_are_whole(out, clean)
        build_shards(BuildShards(source=source, out=str(out), workers=2, drop_slices=5))
        assert files_of(out) == clean
        shutil.rmtree(out)


@pytest.mark.slow
def test_killed_while_another_recipe_replaces_a_set_and_run_again_gives_the_same_bytes(
    source, clean, tmp_path
):
    moments, out = random.Random(1), tmp_path / "out"
    for _ in range(3):
        other = BuildShards(source=source, out=str(out), workers=2, size=64, replace=True)
        build_shards(other)
        running = start(source, out, "--replace")
        await_moment(running, lambda: not (out / "manifest.json").exists())
        kill_later(running, moments.uniform(0, 0.4))
        again = start(source, out)  # which the first has told already that it may
        assert again.wait() == 0, again.communicate()
        assert files_of(out) == clean


def wait_for_a_finished_case(out, running):
    wait_until(lambda: finished_cases(out), running.communicate, during=running)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """More than is built while a Ctrl-C is on its way."""
    return make_source(tmp_path_factory.mktemp("many") / "source", num_cases=40)


def ended_amid(many, out, signum):
    """Exit code of a build that got a signal, and all its processes with it, once it had begun."""
    running = start(many, out)
    wait_for_a_finished_case(out, running)
    os.killpg(running.pid, signum)
    _, said = running.communicate(timeout=120)
    assert "finished cases are kept, the same command goes on" in said.splitlines()[-1]
    assert "Traceback" not in said
    assert "died" not in said
    return running.returncode


def test_sigterm_keeps_finished_cases_as_ctrl_c_does(many, tmp_path):
    assert ended_amid(many, tmp_path / "out", signal.SIGTERM) == 143
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".build", "cases"]


def test_ctrl_c_keeps_finished_cases_and_says_how_to_go_on(many, tmp_path):
    out = tmp_path / "out"
    assert ended_amid(many, out, signal.SIGINT) == 130
    assert sorted(path.name for path in out.iterdir()) == [".build", "cases"]
    finished = {path: path.stat().st_mtime_ns for path in out.glob("cases/*.tar")}
    again = start(many, out)
    assert again.wait() == 0
    kept = [path for path, time_ns in finished.items() if path.stat().st_mtime_ns == time_ns]
    assert kept
    assert not (out / ".build").exists()


@pytest.mark.parametrize("delay_s", [0.05, 0.15, 0.3, 0.45, 0.6])
def test_ctrl_c_at_the_start_is_the_business_of_one_process(many, tmp_path, delay_s):
    running = start(many, tmp_path / "out")
    time.sleep(delay_s)
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=120)
    assert "ForkServer" not in said


def test_a_finished_case_is_not_built_again_after_a_kill(source, clean, tmp_path):
    out = tmp_path / "out"
    running = start(source, out)
    await_moment(running, lambda: finished_cases(out))
    running.kill()
    running.communicate()
    done = finished_cases(out)
    before = {name: (out / f"cases/{name}.tar").stat().st_mtime_ns for name in done}
    assert start(source, out).wait() == 0
    after = {name: (out / f"cases/{name}.tar").stat().st_mtime_ns for name in done}
    assert before == after
    assert files_of(out) == clean


def test_two_builds_into_one_folder_exclude_each_other(source, tmp_path):
    out = tmp_path / "out"
    with locked(open_target(str(out))), pytest.raises(StoreError, match="one job may write to"):
        build_shards(BuildShards(source=source, out=str(out), drop_slices=5))
    assert not out.exists()


def test_a_disk_that_is_known_to_be_too_small_is_refused_before_anything_is_written(
    source, tmp_path, monkeypatch
):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(9, 9, 1000))
    with pytest.raises(StoreError, match=r"needs about .* MB, its disk has 0 MB free: make room"):
        build_shards(BuildShards(source=source, out=str(tmp_path / "out"), drop_slices=5))
    assert not (tmp_path / "out").exists()


@contextlib.contextmanager
def small_disk(folder, *, megabytes):
    """A file system of that size; the test is skipped where it cannot be had."""
    folder.mkdir()
    size = f"size={megabytes}m"
    try:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], capture_output=True
        )
    except OSError:
        pytest.skip("a small file system cannot be made: no `mount` here")
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be made: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk_ends_the_build_cleanly_and_room_lets_it_go_on(
    source, clean, tmp_path, monkeypatch
):
    monkeypatch.setattr("ingest.job.build.check_space", lambda *_args: None)
    with small_disk(tmp_path / "disk", megabytes=14) as disk:
        out = disk / "out"
        options = BuildShards(source=source, out=str(out), workers=1, drop_slices=5)
        with pytest.raises(
            StoreError, match=r"the disk of .* is full: make room and run this again"
        ):
            build_shards(options)
        assert_finished_names_are_whole(out, clean)
        assert not (out / "manifest.json").exists()
        assert not list(out.rglob("*.tmp"))
        assert list(out.glob("cases/*.tar"))
        subprocess.run(["mount", "-o", "remount,size=100m", str(disk)], check=True)
        assert build_shards(options)["built_now"] < NUM_CASES
        assert files_of(out) == clean
