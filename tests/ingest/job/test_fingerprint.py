"""A fingerprint tells whether a file is still the one that was read, without reading it all."""

import gzip
import os
import zlib

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.case import BadCaseError, Case
from ingest.job.fingerprint import of_case, of_file

VOLUME = nib.Nifti1Image(np.arange(60, dtype=np.int16).reshape(5, 4, 3), np.eye(4)).to_bytes()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "s").mkdir()
    return tmp_path / "s"


def test_a_packed_volume_is_known_by_the_checksum_of_its_content(folder):
    path = folder / "a.nii.gz"
    path.write_bytes(gzip.compress(VOLUME, 9, mtime=0))
    known = of_file(path, folder)
    assert known == {
        "file": "a.nii.gz",
        "bytes": path.stat().st_size,
        "crc32": zlib.crc32(VOLUME),
    }
    os.utime(path, ns=(1, 1))
    assert of_file(path, folder) == known


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(352, len(VOLUME) - 1), bit=st.integers(0, 7))
def test_any_changed_voxel_changes_the_fingerprint(folder, place, bit):
    path = folder / "a.nii.gz"
    path.write_bytes(gzip.compress(VOLUME, 0, mtime=0))
    before = of_file(path, folder)
    changed = bytearray(VOLUME)
    changed[place] ^= 1 << bit
    path.write_bytes(gzip.compress(bytes(changed), 0, mtime=0))
    assert of_file(path, folder)["bytes"] == before["bytes"]
    assert of_file(path, folder) != before


@pytest.mark.parametrize(
    "data",
    [
        VOLUME,  # not packed
        gzip.compress(b"no volume", mtime=0),
        gzip.compress(VOLUME[:500], mtime=0) + gzip.compress(VOLUME[500:], mtime=0),
        gzip.compress(VOLUME + b"more", mtime=0),
        b"\x1f\x8b",
        b"",
    ],
)
def test_without_a_checksum_of_all_the_time_of_the_last_change_counts(folder, data):
    path = folder / "a.nii.gz"
    path.write_bytes(data)
    os.utime(path, ns=(5, 7))
    assert of_file(path, folder) == {"file": "a.nii.gz", "bytes": len(data), "modified_ns": 7}


def test_a_file_outside_the_source_is_named_in_full(folder, tmp_path):
    (tmp_path / "b").write_bytes(b"x")
    assert of_file(tmp_path / "b", folder)["file"] == str(tmp_path / "b")


def test_a_folder_is_known_by_the_name_size_and_time_of_each_file(folder):
    (folder / "c").mkdir()
    for name, size, when in (("1", 3, 50), ("2", 4, 20)):
        (folder / "c" / name).write_bytes(bytes(size))
        os.utime(folder / "c" / name, ns=(0, when))
    known = of_file(folder / "c", folder)
    told = zlib.crc32(b"1 3 50\n2 4 20")
    assert known == {"file": "c", "bytes": 7, "files": 2, "files_crc32": told}
    only = of_file(folder / "c", folder, files=[folder / "c" / "2"])
    assert (only["bytes"], only["files"]) == (4, 1)
    os.utime(folder / "c" / "2", ns=(0, 30))  # another file, though not the newest of all
    assert of_file(folder / "c", folder) != known
    os.utime(folder / "c" / "2", ns=(0, 20))
    assert of_file(folder / "c", folder) == known
    (folder / "c" / "2").rename(folder / "c" / os.fsdecode(b"\xfc"))
    assert of_file(folder / "c", folder) != known


def test_a_case_is_its_image_its_label_and_the_regions_of_it(folder):
    for name in ("a", "b"):
        (folder / name).write_bytes(name.encode())
    both = Case(name="x", image=folder / "a", label=folder / "b", patient="x", roi=("GTV",))
    assert of_case(both, folder) == {
        "image": of_file(folder / "a", folder),
        "label": of_file(folder / "b", folder),
        "roi": ["GTV"],
    }
    alone = Case(name="x", image=folder / "a", label=None, patient="x")
    assert list(of_case(alone, folder)) == ["image"]


def test_what_is_absent_or_no_plain_file_is_refused_and_never_waited_for(folder):
    os.mkfifo(folder / "pipe")
    for name, why in (("pipe", "it is no plain file"), ("absent", "No such file")):
        with pytest.raises(BadCaseError, match=f"{name} cannot be read \\({why}.*: restore it"):
            of_file(folder / name, folder)


@pytest.mark.parametrize(
    ("header", "field", "data"),
    [("x.mhd", "ElementDataFile = x.raw", "x.raw"), ("x.nhdr", "data file: sub/x.gz", "sub/x.gz")],
)
def test_the_voxels_of_a_header_that_lies_apart_count(folder, header, field, data):
    for name, content in ((header, field), (data, "voxels"), ("other.raw", "")):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
        os.utime(folder / name, ns=(0, 5))
    first = of_file(folder / header, folder)
    assert (first["file"], first["files"]) == (header, 2)
    os.utime(folder / "other.raw", ns=(0, 9))
    assert of_file(folder / header, folder) == first
    os.utime(folder / data, ns=(0, 9))
    assert of_file(folder / header, folder) != first
    (folder / data).unlink()
    with pytest.raises(BadCaseError, match="cannot be read"):
        of_file(folder / header, folder)
