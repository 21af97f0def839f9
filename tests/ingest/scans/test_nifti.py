"""Every NIfTI file that nibabel reads is read alike; every damaged one is refused."""

import gzip
import itertools
import struct

import nibabel as nib
import numpy as np
import pytest

from ingest.case import BadCaseError
from ingest.scans.nifti import NiftiImage, NiftiLabel
from ingest.scans.volume import whole

TILT = nib.affines.from_matvec(
    nib.eulerangles.euler2mat(0.2, -0.1, 0.3) @ np.diag([-0.7, 0.8, 2.5]), [-11, 22, 33]
)


def some_hu(shape=(7, 6, 5), dtype=np.int16):
    low = 0 if np.dtype(dtype).kind == "u" else -100
    return np.random.default_rng(0).integers(low, 100, shape).astype(dtype)


def expected_hu(path):
    """What nibabel reads, as the nearest int16."""
    values = np.squeeze(nib.load(path).get_fdata())
    return np.clip(np.rint(values), -32768, 32767).astype(np.int16)


def assert_read_alike(path):
    image = NiftiImage(path)
    np.testing.assert_array_equal(whole(image, np.int16), expected_hu(path))
    np.testing.assert_allclose(image.grid.matrix, nib.load(path).affine, rtol=0, atol=1e-5)
    assert image.grid.orientation == "".join(nib.aff2axcodes(nib.load(path).affine))


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
def test_every_number_type_order_and_version_is_read_as_nibabel_does(
    tmp_path, suffix, kind, order, dtype
):
    header = kind.header_class(endianness=order)
    header.set_data_dtype(np.dtype(dtype).newbyteorder(order))
    nib.save(kind(some_hu(dtype=dtype), TILT, header), tmp_path / f"scan{suffix}")
    assert nib.load(tmp_path / f"scan{suffix}").header.endianness == order
    assert_read_alike(tmp_path / f"scan{suffix}")


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32])
@pytest.mark.parametrize(
    ("slope", "inter"),
    [(2, -1024), (1, -1024), (0.5, 3), (0, 7), (np.nan, 7), (np.inf, 0), (-1, 0), (1, 0)],
)
def test_slope_and_intercept_are_applied_as_nibabel_does(tmp_path, dtype, slope, inter):
    image = nib.Nifti1Image(some_hu(dtype=dtype), TILT)
    image.header.set_data_dtype(dtype)
    data = bytearray(image.to_bytes())
    struct.pack_into("<2f", data, 112, slope, inter)
    (tmp_path / "scan.nii").write_bytes(data)
    assert_read_alike(tmp_path / "scan.nii")


def test_values_beyond_int16_become_the_nearest_int16(tmp_path):
    for number, values in enumerate(
        (np.array([70000, -70000], "i4"), np.array([70000, 1], "u4"), np.array([4e4, -4e4], "f4"))
    ):
        path = tmp_path / f"{number}.nii"
        nib.save(nib.Nifti1Image(np.broadcast_to(values, (2, 2, 2)).copy(), np.eye(4)), path)
        assert_read_alike(path)


def test_the_qform_alone_the_sform_alone_and_neither_place_the_scan(tmp_path):
    turns = [
        nib.eulerangles.euler2mat(*angles) for angles in itertools.product((0, 1.1, 3), repeat=3)
    ]
    for number, (turn, sign) in enumerate(itertools.product(turns, (1, -1))):
        affine = nib.affines.from_matvec(turn @ np.diag([0.7, 0.8, 2.5 * sign]), [1, -2, 3])
        for codes in ((0, 1), (2, 0), (0, 0)):
            image = nib.Nifti1Image(some_hu(), affine)
            image.set_qform(affine, code=codes[1])
            image.set_sform(np.diag([-1, 1, 2, 1.0]) @ affine, code=codes[0])
            path = tmp_path / f"{number}{codes}.nii"
            nib.save(image, path)
            assert_read_alike(path)


def test_more_axes_of_length_one_are_ignored_and_a_second_volume_is_refused(tmp_path):
    nib.save(nib.Nifti1Image(some_hu((7, 6, 5, 1)), TILT), tmp_path / "one.nii.gz")
    assert_read_alike(tmp_path / "one.nii.gz")
    nib.save(nib.Nifti1Image(some_hu((7, 6, 5, 2)), TILT), tmp_path / "two.nii.gz")
    with pytest.raises(BadCaseError, match=r"two.nii.gz: a scan has three axes.*\(7, 6, 5, 2\)"):
        NiftiImage(tmp_path / "two.nii.gz")


def test_header_extensions_are_skipped(tmp_path):
    image = nib.Nifti1Image(some_hu(), TILT)
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"long " * 40))
    nib.save(image, tmp_path / "scan.nii.gz")
    assert_read_alike(tmp_path / "scan.nii.gz")


def with_offset(path, kind, offset):
    """A plain NIfTI file whose header says that its voxels start elsewhere."""
    data = bytearray(kind(some_hu(), TILT).to_bytes())
    place, form = (108, "f") if kind is nib.Nifti1Image else (168, "q")
    struct.pack_into(f"<{form}", data, place, offset)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("kind", "offset"),
    [
        *((nib.Nifti1Image, offset) for offset in (np.nan, np.inf, -np.inf, 100, -4, 0.5, 351)),
        *((nib.Nifti2Image, offset) for offset in (100, -4, 543)),
    ],
)
def test_voxels_that_start_within_the_header_or_nowhere_are_refused(tmp_path, kind, offset):
    path = with_offset(tmp_path / "scan.nii", kind, offset)
    with pytest.raises((nib.spatialimages.HeaderDataError, ValueError, OverflowError)):
        nib.load(path).get_fdata()
    with pytest.raises(BadCaseError, match=rf"scan\.nii: vox_offset must be 0 .* found {offset:g}"):
        NiftiImage(path)


@pytest.mark.parametrize(
    ("kind", "offset"),
    [(nib.Nifti1Image, 3e38), (nib.Nifti1Image, 1e6), (nib.Nifti2Image, 2**62)],
)
def test_voxels_that_start_behind_the_end_make_a_truncated_file(tmp_path, kind, offset):
    path = with_offset(tmp_path / "scan.nii", kind, offset)
    with pytest.raises(BadCaseError, match="is truncated"):
        whole(NiftiImage(path), np.int16)


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_an_offset_of_0_means_right_behind_the_header(tmp_path, kind):
    path = with_offset(tmp_path / "scan.nii", kind, 0)
    np.testing.assert_array_equal(whole(NiftiImage(path), np.int16), some_hu())


def test_the_content_decides_about_gzip_and_not_the_name(tmp_path):
    nib.save(nib.Nifti1Image(some_hu(), TILT), tmp_path / "scan.nii")
    plain = (tmp_path / "scan.nii").read_bytes()
    (tmp_path / "plain.nii.gz").write_bytes(plain)
    (tmp_path / "packed.nii").write_bytes(gzip.compress(plain))
    for name in ("plain.nii.gz", "packed.nii"):
        np.testing.assert_array_equal(whole(NiftiImage(tmp_path / name), np.int16), some_hu())


def test_gzip_members_one_after_another_are_one_file(tmp_path):
    nib.save(nib.Nifti1Image(some_hu(), TILT), tmp_path / "scan.nii")
    plain = (tmp_path / "scan.nii").read_bytes()
    pieces = [plain[:100], plain[100:360], b"", plain[360:]]
    (tmp_path / "scan.nii.gz").write_bytes(b"".join(map(gzip.compress, pieces)))
    assert_read_alike(tmp_path / "scan.nii.gz")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_voxels_without_a_number_are_refused_and_counted(tmp_path, value):
    image = some_hu().astype(np.float32)
    image[2, 3, 1] = value
    nib.save(nib.Nifti1Image(image, TILT), tmp_path / "scan.nii.gz")
    with pytest.raises(BadCaseError, match="found 1 NaN or infinite"):
        whole(NiftiImage(tmp_path / "scan.nii.gz"), np.int16)


def test_voxels_that_are_filled_are_counted_once_however_often_they_are_read(tmp_path):
    image = some_hu().astype(np.float32)
    image[2, 3, 1:4] = np.nan
    nib.save(nib.Nifti1Image(image, TILT), tmp_path / "scan.nii.gz")
    scan = NiftiImage(tmp_path / "scan.nii.gz", fill_nan=-7)
    for _ in range(2):
        assert (whole(scan, np.int16)[2, 3, 1:4] == -7).all()
        assert scan.filled == 3


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_labels_of_any_number_type_are_the_same_mask(tmp_path, dtype):
    mask = (some_hu() > 50).astype(np.uint8)
    values = mask.astype(dtype)
    if values.dtype.kind == "f":
        values *= 0.9999
    nib.save(nib.Nifti1Image(values, TILT), tmp_path / "mask.nii.gz")
    np.testing.assert_array_equal(whole(NiftiLabel(tmp_path / "mask.nii.gz"), np.uint8), mask)


def mask_with(path, value):
    mask = np.zeros((7, 6, 5), np.float32)
    mask[1, 1, 1], mask[2, 2, 2] = 1, value
    nib.save(nib.Nifti1Image(mask, TILT), path)
    return path


@pytest.mark.parametrize("value", [2, 255, -1])
def test_labels_that_are_neither_0_nor_1_are_refused_by_value(tmp_path, value):
    path = mask_with(tmp_path / "mask.nii.gz", value)
    with pytest.raises(BadCaseError, match=f"holds 0 and 1 only, found {value}: say which"):
        whole(NiftiLabel(path), np.uint8)
    assert whole(NiftiLabel(path, tumor_labels=(value,)), np.uint8).sum() == 1


@pytest.mark.parametrize("tumor_labels", [(), (1,), (1, 2)])
@pytest.mark.parametrize("value", [0.6, 1.4, 1.002, np.nan, np.inf])
def test_labels_that_are_no_whole_numbers_are_refused_whatever_is_tumor(
    tmp_path, value, tumor_labels
):
    label = NiftiLabel(mask_with(tmp_path / "mask.nii.gz", value), tumor_labels=tumor_labels)
    with pytest.raises(BadCaseError, match=f"holds whole numbers, to within 0.001, found {value}"):
        whole(label, np.uint8)


def test_files_that_are_no_nifti_are_named(tmp_path):
    contents = {"empty": b"", "text": b"hello " * 200, "short": b"\x5c\x01\0\0", "gz": b"\x1f\x8b"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadCaseError, match=name):
            NiftiImage(tmp_path / name)
    with pytest.raises(BadCaseError, match="is missing"):
        NiftiImage(tmp_path / "absent.nii")


def test_a_truncated_plain_file_is_refused(tmp_path):
    nib.save(nib.Nifti1Image(some_hu(), TILT), tmp_path / "scan.nii")
    data = (tmp_path / "scan.nii").read_bytes()
    for length in (100, 351, 352, 400, len(data) - 1):
        (tmp_path / "cut.nii").write_bytes(data[:length])
        with pytest.raises(BadCaseError):
            whole(NiftiImage(tmp_path / "cut.nii"), np.int16)


def read_all(path):
    """Read a scan to its end; None when it is refused."""
    try:
        return whole(NiftiImage(path), np.int16)
    except BadCaseError:
        return None


def test_every_truncation_of_a_gzip_is_refused(tmp_path):
    nib.save(nib.Nifti1Image(some_hu(), TILT), tmp_path / "scan.nii.gz")
    data = (tmp_path / "scan.nii.gz").read_bytes()
    for length in range(len(data)):
        (tmp_path / "cut.nii.gz").write_bytes(data[:length])
        assert read_all(tmp_path / "cut.nii.gz") is None, length


def test_200_random_bit_flips_of_a_gzip_are_refused(tmp_path):
    rng = np.random.default_rng(0)
    noise = rng.integers(-1000, 1000, (16, 16, 16), dtype=np.int16)
    nib.save(nib.Nifti1Image(noise, TILT), tmp_path / "scan.nii.gz")
    data = (tmp_path / "scan.nii.gz").read_bytes()
    # Bytes 4 to 9 of a gzip are a time stamp and hints, which mean nothing
    for bit in rng.choice(np.r_[:32, 80 : len(data) * 8], 200, replace=False):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << (bit % 8)
        (tmp_path / "flipped.nii.gz").write_bytes(flipped)
        assert read_all(tmp_path / "flipped.nii.gz") is None, bit


@pytest.mark.parametrize("damage", ["crc", "length", "no trailer", "rubbish behind"])
def test_a_wrong_end_of_a_gzip_is_refused(tmp_path, damage):
    nib.save(nib.Nifti1Image(some_hu(), TILT), tmp_path / "scan.nii.gz")
    data = (tmp_path / "scan.nii.gz").read_bytes()
    (tmp_path / "bad.nii.gz").write_bytes(
        {
            "crc": data[:-8] + b"abcd" + data[-4:],
            "length": data[:-4] + b"abcd",
            "no trailer": data[:-8],
            "rubbish behind": data + b"rubbish",
        }[damage]
    )
    with pytest.raises(BadCaseError, match=r"bad\.nii\.gz is (damaged|truncated)"):
        whole(NiftiImage(tmp_path / "bad.nii.gz"), np.int16)


@pytest.mark.parametrize("size", [30_000, 2**40, 2**62])
@pytest.mark.parametrize("suffix", ["nii", "nii.gz"])
def test_a_header_that_promises_more_than_the_file_can_hold_asks_for_no_memory(
    tmp_path, size, suffix
):
    data = bytearray(nib.Nifti2Image(some_hu(), TILT).to_bytes())
    struct.pack_into("<3q", data, 24, size, size, size)
    path = tmp_path / f"scan.{suffix}"
    path.write_bytes(gzip.compress(data) if suffix.endswith("gz") else data)
    with pytest.raises(BadCaseError, match="is truncated"):
        NiftiImage(path)


def test_the_most_that_gzip_can_pack_is_read(tmp_path):
    image = nib.Nifti1Image(np.zeros((256, 256, 64), np.int16), TILT)
    nib.save(image, tmp_path / "scan.nii.gz")
    assert not whole(NiftiImage(tmp_path / "scan.nii.gz"), np.int16).any()
