"""Any slice survives its tar members, which numpy and gzip of others read alike."""

import gzip
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shards.codec import (
    decode,
    decode_array,
    empty_mask,
    encode,
    encode_mask,
    gunzip,
    image_member,
    npy_header,
)
from shards.record import Slice

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40))
SPACINGS = st.tuples(*[st.floats(1e-3, 1e3)] * 3)


@st.composite
def slices(draw):
    """Pixels come from a seed: what they are matters to no law, and drawing each takes seconds."""
    shape = draw(SHAPES)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    marked = rng.random(shape) < draw(st.sampled_from([0, 0.1, 1]))
    return Slice(
        case=draw(st.text(min_size=1, max_size=20)),
        z=draw(st.integers(0, 10**6)),
        image=rng.integers(-32768, 32768, shape, np.int16),
        mask=marked * rng.integers(1, 256, shape, np.uint8),
        spacing_mm=draw(SPACINGS),
    )


def members_of(record, *, compress):
    pieces = encode(record, record.tumor_pixels, compress=compress)
    return {name: b"".join(parts) for name, parts in pieces.items()}


@given(slices(), st.booleans())
def test_decoding_gives_back_what_was_encoded(record, compress):
    again = decode(members_of(record, compress=compress))
    assert (again.case, again.z, again.spacing_mm) == (record.case, record.z, record.spacing_mm)
    for name in ("image", "mask"):
        found, expected = getattr(again, name), getattr(record, name)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


@given(slices(), st.booleans())
def test_members_are_what_numpy_and_gzip_write(record, compress):
    members = members_of(record, compress=compress)
    assert list(members) == ["ct.npy.gz" if compress else "ct.npy", "mask.npy.gz", "json"]
    image, mask, tags = members.values()
    for array, member in ((record.image, image), (record.mask, mask)):
        plain = gzip.decompress(member) if member[:2] == b"\x1f\x8b" else member
        expected = io.BytesIO()
        np.save(expected, array)
        assert plain == expected.getvalue()
    assert image_member(members) is image
    count = int((record.mask != 0).sum())
    assert json.loads(tags) == {
        "case": record.case,
        "z": record.z,
        "tumor": count > 0,
        "tumor_pixels": count,
        "spacing_mm": list(record.spacing_mm),
    }


@given(slices())
def test_the_layout_in_memory_does_not_enter_the_bytes(record):
    turned = Slice(
        case=record.case,
        z=record.z,
        image=np.asfortranarray(record.image),
        mask=np.asfortranarray(record.mask),
        spacing_mm=record.spacing_mm,
    )
    assert members_of(turned, compress=False) == members_of(record, compress=False)


@given(SHAPES)
def test_a_mask_without_tumor_is_one_member_for_all_slices_of_a_shape(shape):
    assert empty_mask(shape) == encode_mask(np.zeros(shape, np.uint8))
    assert not decode_array(empty_mask(shape)).any()
    assert decode_array(empty_mask(shape)).shape == shape


@given(st.lists(st.integers(0, 12), max_size=4).map(tuple), st.sampled_from(["<i2", "|u1", "<f4"]))
def test_a_header_is_numpys(shape, dtype):
    expected = io.BytesIO()
    np.save(expected, np.zeros(shape, dtype))
    found = npy_header(shape, dtype)
    assert expected.getvalue().startswith(found)
    assert len(found) % 64 == 0


@given(st.binary(max_size=5000))
def test_inflating_is_the_inverse_of_gzip(data):
    assert gunzip(gzip.compress(data)) == data
    assert gunzip(memoryview(gzip.compress(data))) == data


def test_compressing_makes_an_image_of_air_small():
    air = np.full((64, 64), -1000, np.int16)
    record = Slice(case="a", z=0, image=air, mask=np.zeros((64, 64), np.uint8), spacing_mm=(1,) * 3)
    assert len(members_of(record, compress=True)["ct.npy.gz"]) < air.nbytes / 4


def test_no_member_is_unpickled():
    stream = io.BytesIO()
    np.save(stream, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        decode_array(stream.getvalue())


def test_pixels_of_any_layout_and_byte_order_are_stored_as_little_endian_rows():
    pixels = np.arange(12, dtype=">i4").reshape(4, 3).T  # neither rows first nor 16 bits
    mask = np.zeros((3, 4), np.uint8)
    record = Slice(case="a", z=0, image=pixels, mask=mask, spacing_mm=(1, 1, 1))
    again = decode(members_of(record, compress=False)).image
    assert again.dtype == np.dtype("<i2")
    np.testing.assert_array_equal(again, pixels)


def test_images_are_compressed_only_on_request_and_each_says_so_in_its_name():
    image = np.zeros((3, 4), np.int16)
    record = Slice(case="a", z=0, image=image, mask=image.astype(np.uint8), spacing_mm=(1, 1, 1))
    told, untold = encode(record, 0, compress=False), encode(record, 0)
    assert told == untold
    assert b"".join(untold["ct.npy"]).startswith(b"\x93NUMPY")
    assert b"".join(encode(record, 0, compress=True)["ct.npy.gz"]).startswith(b"\x1f\x8b")


def test_a_pickle_in_a_member_is_refused():
    file = io.BytesIO()
    np.save(file, np.array([{}], object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        decode_array(file.getvalue())
