"""The same shards from a Ray cluster, and into a store that speaks S3."""

import hashlib
import os
import re
import time
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from ingest.find_cases import find_cases
from ingest.job import journal
from ingest.job.build import build_shards
from ingest.job.engines import NoClusterError
from ingest.options import BuildShards
from shards.errors import StoreError
from tests.toy_cluster import ray_here

SLICES = {"size": 16, "drop_slices": 2}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "source"
    for number in range(4):
        rng = np.random.default_rng(number)
        mask = np.zeros((24, 20, 8), np.uint8)
        mask[4:12, 5:9, 3:6] = 1
        for kind, array in (
            ("imagesTr", rng.integers(-1000, 1000, mask.shape, dtype=np.int16)),
            ("labelsTr", mask),
        ):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(array, np.eye(4)), folder / kind / f"lung_{number}.nii.gz")
    return folder


@pytest.fixture(scope="module")
def local(source, tmp_path_factory):
    """Hash of each file of a set built on this machine."""
    out = tmp_path_factory.mktemp("local") / "out"
    build_shards(BuildShards(source=source, out=str(out), workers=2, **SLICES))
    return hashes_in(out)


def hashes_in(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.ray
@pytest.mark.slow
def test_a_ray_cluster_builds_the_same_bytes_also_after_a_case_that_hung(
    source, local, tmp_path, monkeypatch, caplog
):
    os.mkfifo(tmp_path / "never.nii.gz")
    cases = find_cases(source)
    cases[2] = replace(cases[2], image=tmp_path / "never.nii.gz")
    out = tmp_path / "out"
    options = BuildShards(source=source, out=str(out), address="auto", case_minutes=0.1, **SLICES)
    with ray_here(cpus=2):
        with monkeypatch.context() as hanging:
            hanging.setattr("ingest.job.build.find_cases", lambda *_args, **_options: cases)
            hanging.setattr("ingest.job.agenda.of_case", lambda case, _: {"image": case.name})
            hanging.setattr("ingest.job.build.check_space", lambda *_args: None)
            summary = build_shards(options)
        assert (summary["cases"], list(summary["rejected"])) == (3, ["lung_2"])
        assert "it took over 0.1 minutes, twice" in summary["rejected"]["lung_2"]
        assert "lung_2: it took over 0.1 minutes and was stopped, it is tried once" in caplog.text
        assert build_shards(options)["built_now"] > 0
    assert hashes_in(out) == local


@pytest.mark.ray
@pytest.mark.slow
def test_an_address_without_a_cluster_is_one_line(source, tmp_path):
    options = BuildShards(source=source, out=str(tmp_path / "out"), address="127.0.0.1:9", **SLICES)
    with pytest.raises(NoClusterError, match=re.escape("no Ray cluster at '127.0.0.1:9'")):
        build_shards(options)


@pytest.fixture
def bucket(s3, monkeypatch):
    """An empty bucket, found by credentials and endpoint in the environment, as users do it."""
    s3fs = pytest.importorskip("s3fs")
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    files = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)
    name = f"bucket-{time.monotonic_ns()}"
    files.mkdir(name)
    return files, name


def hashes_of(files, prefix):
    return {
        path.removeprefix(f"{prefix}/"): hashlib.sha256(files.cat_file(path)).hexdigest()
        for path in files.find(prefix)
    }


@pytest.mark.slow
def test_an_s3_store_takes_a_build_and_a_second_run_builds_nothing(source, local, bucket):
    files, name = bucket
    options = BuildShards(source=source, out=f"s3://{name}/sets/one", workers=2, **SLICES)
    assert build_shards(options)["built_now"] == 4
    assert hashes_of(files, f"{name}/sets/one") == local
    assert build_shards(options)["built_now"] == 0


@pytest.mark.slow
def test_a_build_into_s3_that_was_cut_off_goes_on(source, local, bucket, monkeypatch):
    files, name = bucket
    options = BuildShards(source=source, out=f"s3://{name}/two", workers=1, **SLICES)
    record, seen = journal.record, []

    def cut_off(target, case, built):
        record(target, case, built)
        seen.append(case)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(journal, "record", cut_off)
        with pytest.raises(KeyboardInterrupt):
            build_shards(options)
    assert not files.exists(f"{name}/two/manifest.json")
    assert build_shards(options)["built_now"] == 2
    assert hashes_of(files, f"{name}/two") == local


@pytest.mark.slow
def test_a_bucket_that_does_not_exist_is_one_line(source, bucket):
    options = BuildShards(source=source, out="s3://absent-bucket/set", **SLICES)
    with pytest.raises(StoreError, match="absent-bucket/set cannot be read or written"):
        build_shards(options)


def test_an_unknown_protocol_is_one_line(source):
    options = BuildShards(source=source, out="nowhere://x/y", **SLICES)
    with pytest.raises(StoreError, match="Protocol not known: nowhere"):
        build_shards(options)
