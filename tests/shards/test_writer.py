"""A case becomes one tar, whole or not at all, that tarfile and webdataset read."""

import io
import subprocess
import sys
import tarfile

import numpy as np
import pytest
import webdataset as wds
from hypothesis import example, given
from hypothesis import strategies as st

from shards.record import Slice
from shards.writer import ShardWriter, tar_header


def make_slice(z=0, *, case="lung_001", tumor=True, size=16, seed=0):
    rng = np.random.default_rng([seed, z])
    image = rng.integers(-1000, 3072, (size, size), dtype=np.int16)
    mask = np.zeros((size, size), np.uint8)
    mask[3:6, 4:9] = tumor
    return Slice(case=case, z=z, image=image, mask=mask, spacing_mm=(1.5, 1.5, 2.0))


def write(path, records, *, compress=False):
    with ShardWriter(path, case=records[0].case, compress=compress) as shard:
        for record in records:
            shard.add(record)
        return shard.finish()


@pytest.mark.parametrize("compress", [False, True])
def test_plain_webdataset_reads_every_slice(tmp_path, compress):
    records = [make_slice(z, tumor=z % 3 == 0) for z in range(5)]
    write(tmp_path / "a.tar", records, compress=compress)
    samples = list(wds.WebDataset(str(tmp_path / "a.tar"), shardshuffle=False).decode())
    assert [sample["__key__"] for sample in samples] == [record.key for record in records]
    for sample, record in zip(samples, records, strict=True):
        image = sample["ct.npy.gz" if compress else "ct.npy"]
        assert image.dtype == np.int16
        np.testing.assert_array_equal(image, record.image)
        np.testing.assert_array_equal(sample["mask.npy.gz"], record.mask)
        assert sample["json"]["tumor_pixels"] == record.tumor_pixels


def test_index_points_at_the_bytes_of_each_member(tmp_path):
    records = [make_slice(z, tumor=z == 2) for z in range(4)]
    written = write(tmp_path / "a.tar", records)
    data = (tmp_path / "a.tar").read_bytes()
    assert len(data) == written.bytes
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = {member.name: member for member in archive}
    assert all(member.mtime == 0 and member.uid == 0 for member in members.values())
    for row, record in enumerate(records):
        for column, extension in (("image", "ct.npy"), ("mask", "mask.npy.gz"), ("tags", "json")):
            member = members[f"{record.key}.{extension}"]
            assert getattr(written.index, f"{column}_offset")[row] == member.offset_data
            assert getattr(written.index, f"{column}_size")[row] == member.size
    assert written.index.tumor.tolist() == [False, False, True, False]


def test_equal_slices_give_equal_bytes(tmp_path):
    records = [make_slice(z) for z in range(3)]
    assert write(tmp_path / "a.tar", records).sha256 == write(tmp_path / "b.tar", records).sha256
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_a_shard_that_fails_half_way_leaves_nothing(tmp_path):
    def fail_half_way():
        with ShardWriter(tmp_path / "a.tar", case="a") as shard:
            shard.add(make_slice())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert list(tmp_path.iterdir()) == []


def test_a_shard_that_finds_no_room_leaves_nothing(tmp_path):
    """A process may only write so much (RLIMIT_FSIZE), as on a full disk."""
    script = (
        "import resource, signal, pathlib, sys, numpy as np\n"
        "from shards.record import Slice\n"
        "from shards.writer import ShardWriter\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))\n"
        "pixels = np.zeros((32, 32), np.int16)\n"
        "try:\n"
        "    with ShardWriter(pathlib.Path(sys.argv[1]) / 'a.tar', case='a') as shard:\n"
        "        for z in range(9):\n"
        "            shard.add(Slice(case='a', z=z, image=pixels, mask=pixels.astype('u1'),\n"
        "                            spacing_mm=(1, 1, 1)))\n"
        "        shard.finish()\n"
        "except OSError as error:\n"
        "    sys.exit(7)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, tmp_path]).returncode == 7
    assert list(tmp_path.iterdir()) == []


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=30))
@example("ü" * 30)
def test_a_header_is_what_tarfile_writes(name):
    info = tarfile.TarInfo(name)
    info.size, info.mode = 8**9 + 7, 0o644
    assert tar_header(name, info.size) == info.tobuf(tarfile.USTAR_FORMAT, "utf-8")


def test_a_name_too_long_for_a_header_is_refused():
    assert len(tar_header("n" * 100, 1)) == 512
    with pytest.raises(ValueError, match="may have 100 bytes, got 101"):
        tar_header("n" * 101, 1)


def test_a_writer_that_is_left_before_it_finished_leaves_nothing(tmp_path):
    with ShardWriter(tmp_path / "a.tar", case="a") as shard:
        shard.add(make_slice())
    assert list(tmp_path.iterdir()) == []
