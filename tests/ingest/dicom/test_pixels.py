"""The laws of a slice's pixels: padding is air, foreign bits are cleared, and both are counted."""

import numpy as np
import pytest

from ingest.case import BadCaseError
from ingest.dicom.pixels import read_pixels
from ingest.dicom.scan import DicomVolume
from ingest.scans.volume import whole

AFFINE = np.array([[-0.7, 0, 0, 20], [0, -0.7, 0, 5], [0, 0, 2.5, -100], [0, 0, 0, 1.0]])
SHAPE = (12, 10, 4)
OUTSIDE = np.hypot(*np.mgrid[-1:1:12j, -1:1:10j]) > 1


def scan():
    return np.random.default_rng(0).integers(-900, 900, SHAPE, dtype=np.int16)


def stored_as(numbers):
    """A change that replaces the pixels outside of a circle by some stored number."""

    def change(dataset, k):
        kind = "<i2" if dataset.PixelRepresentation else "<u2"
        pixels = np.frombuffer(dataset.PixelData, kind).reshape(10, 12).copy()
        pixels[OUTSIDE.T] = np.resize(numbers, int(OUTSIDE.sum())).astype(np.int64) % 65536
        dataset.PixelData = pixels.astype(kind).tobytes()

    return change


def with_elements(change, **elements):
    def both(dataset, k):
        change(dataset, k)
        for name, (kind, value) in elements.items():
            dataset.add_new(name, kind, value)

    return both


def volume(tmp_path, write_series, change, **options):
    write_series(tmp_path, scan(), AFFINE, change=change, **options)
    found = DicomVolume(tmp_path)
    return found, whole(found, np.int16)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("told", [63536, -2000])
def test_padding_is_air_and_counted_however_its_sign_is_told(tmp_path, write_series, signed, told):
    kind = "US" if told > 0 else "SS"
    change = with_elements(stored_as([63536]), PixelPaddingValue=(kind, told))
    found, hu = volume(tmp_path, write_series, change, signed=signed)
    assert (hu[OUTSIDE] == -1000).all()
    assert np.array_equal(hu[~OUTSIDE], scan()[~OUTSIDE])
    assert found.measures == {"padded_voxels": 4 * OUTSIDE.sum()}
    assert len(found.remarks) == (not signed)  # -3024 HU is no brighter than air


@pytest.mark.parametrize("limits", [(4000, 4003), (4003, 4000)])
def test_a_range_of_padding_is_air_with_both_its_ends_and_no_more(tmp_path, write_series, limits):
    numbers = [3999, 4000, 4001, 4003, 4004]
    change = with_elements(
        stored_as(numbers),
        PixelPaddingValue=("US", limits[0]),
        PixelPaddingRangeLimit=("US", limits[1]),
    )
    found, hu = volume(tmp_path, write_series, change)
    expected = np.resize([2975, -1000, -1000, -1000, 2980], int(OUTSIDE.sum()))
    for k in range(SHAPE[2]):
        assert np.array_equal(hu[:, :, k].T[OUTSIDE.T], expected)
    assert f"voxels of padding (up to 2979 HU) taken for air: {(hu == -1000).sum()}" in (
        found.remarks
    )


def test_without_a_padding_value_the_numbers_stand(tmp_path, write_series):
    found, hu = volume(tmp_path, write_series, stored_as([5000]))
    assert (hu[OUTSIDE] == 5000 - 1024).all()
    assert (found.measures, found.remarks) == ({}, [])


@pytest.mark.parametrize("signed", [False, True])
def test_an_overlay_in_the_upper_bits_is_cleared_and_counted(tmp_path, write_series, signed):
    inter = 0 if signed else -1024

    def overlay(dataset, k):
        dataset.BitsStored, dataset.HighBit = 12, 11
        pixels = np.frombuffer(dataset.PixelData, "<u2").reshape(10, 12) & 0x0FFF
        pixels = pixels | np.where(OUTSIDE.T, 0x9000, 0).astype("<u2")
        dataset.PixelData = pixels.astype("<u2").tobytes()

    found, hu = volume(tmp_path, write_series, overlay, signed=signed, inter=inter)
    assert np.array_equal(hu, scan())
    assert found.remarks == [f"voxels with bits beyond BitsStored, cleared: {4 * OUTSIDE.sum()}"]


@pytest.mark.parametrize(("told", "stored"), [(63536, 63536), (2096, 2096), (2096, 63536)])
def test_padding_is_found_with_or_without_the_bits_beyond_the_image(
    tmp_path, write_series, told, stored
):
    def narrow(dataset, k):
        dataset.BitsStored, dataset.HighBit = 12, 11

    change = with_elements(stored_as([stored]), PixelPaddingValue=("US", told))
    found, hu = volume(
        tmp_path, write_series, lambda dataset, k: (change(dataset, k), narrow(dataset, k))
    )
    assert (hu[OUTSIDE] == -1000).all()
    assert np.array_equal(hu[~OUTSIDE], scan()[~OUTSIDE])
    assert found.remarks


def test_numbers_in_the_high_bits_of_a_word_are_shifted_down(tmp_path, write_series):
    def shift(dataset, k):
        dataset.BitsStored, dataset.HighBit = 12, 15
        pixels = np.frombuffer(dataset.PixelData, "<u2") << 4
        dataset.PixelData = pixels.astype("<u2").tobytes()

    _, hu = volume(tmp_path, write_series, shift)
    assert np.array_equal(hu, scan())


def test_bits_that_cannot_be_are_refused(tmp_path, write_series):
    def break_bits(dataset, k):
        dataset.BitsStored, dataset.HighBit = 12, 3

    write_series(tmp_path, scan(), AFFINE, change=break_bits)
    with pytest.raises(BadCaseError, match="BitsStored 12 and HighBit 3 do not fit"):
        list(DicomVolume(tmp_path).slabs())


def test_a_slice_of_another_shape_is_refused(tmp_path, write_series):
    write_series(tmp_path, scan(), AFFINE)
    with pytest.raises(BadCaseError, match=r"must have shape \(5, 5\), found \(10, 12\)"):
        read_pixels(tmp_path / "IM0000", (5, 5))


def test_absent_rescaling_means_the_numbers_are_hu(tmp_path, write_series):
    def without(dataset, k):
        del dataset.RescaleSlope, dataset.RescaleIntercept

    _, hu = volume(tmp_path, write_series, without, signed=True, inter=0)
    assert np.array_equal(hu, scan())


@pytest.mark.parametrize(
    ("kind", "number", "inter", "expected"),
    [
        ("<u4", 3_000_000_000, "0", 32767),
        ("<i4", 2**31 - 1, "1024", 32767),
        ("<i4", -(2**31), "-1024", -32768),
        ("<u4", 1064, "-1024", 40),
        ("<u2", 1064, "1e12", 32767),
        ("<u2", 1064, "-1e12", -32768),
    ],
)
def test_numbers_of_32_bits_and_huge_intercepts_are_held_within_int16(
    tmp_path, write_series, kind, number, inter, expected
):
    def change(dataset, _k):
        bits = 8 * np.dtype(kind).itemsize
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
        dataset.PixelRepresentation, dataset.RescaleIntercept = int(kind == "<i4"), inter
        dataset.PixelData = np.full((10, 12), number, kind).tobytes()

    _, hu = volume(tmp_path, write_series, change)
    assert (hu == expected).all()
