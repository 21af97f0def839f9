"""A manifest survives its text, and any change to that is found."""

import dataclasses
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shards.errors import ManifestError
from shards.manifest import CaseEntry, Manifest
from tests.fuzz import damaged


def askew(spacing_mm):
    """An affine of this pitch whose slices lie in steps to the front."""
    x, y, z = spacing_mm
    first, second, third = (x, 0.0, 0.0), (0.0, y, 0.0), (0.0, 0.6 * z, 0.8 * z)
    return (*zip(first, second, third, (5.0, -7.0, 2.0), strict=True), (0.0, 0.0, 0.0, 1.0))


COUNTS = st.integers(0, 10**9)
NAMES = st.text(min_size=1, max_size=12)
ENTRIES = st.builds(
    CaseEntry,
    shard=NAMES,
    bytes=COUNTS,
    sha256=NAMES,
    source=st.dictionaries(NAMES, COUNTS, max_size=2),
    patient=NAMES,
    shape=st.tuples(*[st.integers(1, 999)] * 3),
    affine=st.just(()),
    spacing_mm=st.tuples(*[st.floats(0.1, 9)] * 3),
    orientation=NAMES,
    slices=COUNTS,
    slices_dropped=COUNTS,
    tumor_slices=COUNTS,
    tumor_voxels=COUNTS,
    tumor_voxels_dropped=COUNTS,
    measures=st.dictionaries(NAMES, st.floats(-1e6, 1e6), max_size=2),
    warnings=st.lists(NAMES, max_size=2).map(tuple),
).map(lambda entry: dataclasses.replace(entry, affine=askew(entry.spacing_mm)))
MANIFESTS = st.builds(
    Manifest,
    recipe=st.dictionaries(NAMES, st.floats(-1e3, 1e3) | NAMES, max_size=3),
    source=NAMES,
    tools=st.dictionaries(NAMES, NAMES, max_size=2),
    slice_shape=st.tuples(st.integers(1, 999), st.integers(1, 999)),
    folds=st.dictionaries(NAMES, st.integers(0, 9), max_size=3),
    cases=st.dictionaries(NAMES, ENTRIES, max_size=3),
    rejected=st.dictionaries(NAMES, NAMES, max_size=2),
    compressed=st.booleans(),
    index_sha256=NAMES,
)


@given(MANIFESTS)
def test_a_manifest_survives_its_text_and_equal_ones_have_equal_texts(manifest):
    again = Manifest.from_json(manifest.to_json(), where="here")
    assert again == manifest
    assert again.to_json() == manifest.to_json()


@given(MANIFESTS, st.integers(0, 2**64))
def test_a_damaged_text_is_one_kind_of_error_or_says_the_same(manifest, seed):
    text = manifest.to_json().encode()
    changed = damaged(text, random.Random(seed))
    try:
        assert Manifest.from_json(changed, where="here") == manifest
    except ManifestError as error:
        said = str(error)
    else:
        said = "here: white space only"
    assert said.startswith("here")


@given(ENTRIES)
def test_the_volume_is_that_of_all_tumor_voxels_kept_and_dropped(entry):
    x, y, z = entry.spacing_mm
    voxels = entry.tumor_voxels + entry.tumor_voxels_dropped
    assert entry.tumor_volume_ml == pytest.approx(voxels * x * y * z * 0.8 / 1000)


@given(MANIFESTS, ENTRIES.filter(lambda entry: entry.slices > 0), st.integers(1, 9))
def test_all_voxels_of_the_slices_kept_and_dropped_have_the_volume_of_the_scan(made, entry, times):
    """Whatever the planes' size in the shards: finer ones have smaller voxels."""
    height, width = made.slice_shape
    x, y, z = (count * mm for count, mm in zip(entry.shape, entry.spacing_mm, strict=True))
    num_slices = entry.slices + entry.slices_dropped
    for size in ((height, width), (height * times, width)):
        one = dataclasses.replace(made, cases={"a": entry}, slice_shape=size)
        total = one.voxel_ml("a") * num_slices * size[0] * size[1]
        assert total == pytest.approx(x * y * z * 0.8 / 1000)


@given(MANIFESTS, ENTRIES)
def test_a_voxel_of_slices_of_their_own_pitch_is_of_that_volume(made, entry):
    one = dataclasses.replace(
        made, cases={"a": dataclasses.replace(entry, slice_spacing_mm=(2, 1.5, 5))}
    )
    assert one.voxel_ml("a") == pytest.approx(0.015 * 0.8)
    again = Manifest.from_json(one.to_json(), where="")
    assert again.cases["a"].slice_spacing_mm == (2, 1.5, 5)


@pytest.mark.parametrize("text", ["[]", "[1]", "3", "null", '"a"'])
def test_a_text_that_is_no_table_is_no_manifest(text):
    with pytest.raises(ManifestError, match="x is no manifest of a shard set"):
        Manifest.from_json(text, where="x")
