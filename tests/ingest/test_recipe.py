"""What each option of a recipe does to a scan, through a real build or against an oracle."""

import tarfile

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.case import BadCaseError, Case
from ingest.findings.read_case import read_case
from ingest.job.build import build_shards
from ingest.options import BuildShards
from ingest.phantom.case import make_phantom
from ingest.recipe import Recipe
from ingest.slices.lung import lung_area_mm2
from shards.codec import decode
from shards.manifest import Manifest
from tests.toy_cases import slices_of

SHAPE = (24, 24, 12)
rng = np.random.default_rng(0)
HU = rng.integers(-3000, 4000, SHAPE, dtype=np.int16)
TUMOR = np.zeros(SHAPE, np.uint8)
TUMOR[5:14, 6:15, 4:8] = 1


def save_case(folder, hu=HU, tumor=TUMOR, affine=None, *, step_mm=2.5):
    affine = np.diag([1, 1, step_mm, 1]) if affine is None else affine
    paths = [folder / kind / "a.nii.gz" for kind in ("imagesTr", "labelsTr")]
    for path, array in zip(paths, (hu, tumor), strict=True):
        path.parent.mkdir(parents=True)
        nib.save(nib.Nifti1Image(array, affine), path)
    return Case(name="a", image=paths[0], label=paths[1], patient="a")


def build(source, out, **options):
    """Manifest, images and masks of the one case, (n, size, size), by the command's own way."""
    if "drop_outside_lungs" not in options:
        options["drop_slices"] = 0
    options = {"size": SHAPE[0], "workers": 1} | options
    build_shards(BuildShards(source=source, out=str(out), **options))
    members = {}
    with tarfile.open(out / "cases" / "a.tar") as tar:
        for member in tar:
            key, extension = member.name.split(".", 1)
            members.setdefault(key, {})[extension] = tar.extractfile(member).read()
    records = [decode(parts) for parts in members.values()]
    manifest = Manifest.from_json((out / "manifest.json").read_bytes(), where="out")
    return manifest, np.stack([r.image for r in records]), np.stack([r.mask for r in records])


@pytest.mark.parametrize(("center", "width"), [(-600, 1500), (40, 401), (1000, 1)])
def test_a_window_keeps_its_values_and_its_width_becomes_1(tmp_path, center, width):
    save_case(tmp_path / "s")
    manifest, images, _ = build(tmp_path / "s", tmp_path / "out", window=(center, width))
    low, high = manifest.recipe["clip"]
    assert (high - low, (low + high) // 2) == (width, center)
    np.testing.assert_array_equal(images, np.clip(HU, low, high).T)
    assert np.ptp(images * manifest.recipe["scale"]) == pytest.approx(1)


@pytest.mark.parametrize("window", [(0, 0), (0, -5), (40000, 10), (0, 70000)])
def test_a_window_of_no_hu_is_refused_before_the_build(tmp_path, window):
    with pytest.raises(
        ValueError, match=r"--window (needs CENTER WIDTH|must be) .*, got -?\d+ -?\d+$"
    ):
        BuildShards(source=tmp_path, out="x", window=window)


@pytest.mark.parametrize(
    "both",
    [
        {"window": (-600, 1500), "clip": (-1000, 400)},
        {"window": (-600, 1500), "scale": 0.5},
        {"drop_slices": 3, "drop_mm": 7.5},
        {"drop_slices": 3, "drop_outside_lungs": True},
        {"drop_mm": 7.5, "drop_outside_lungs": True},
    ],
)
def test_options_that_say_the_same_thing_twice_are_refused(tmp_path, both):
    one, other = ("--" + name.replace("_", "-") for name in both)
    with pytest.raises(ValueError, match=f"{one} and {other} exclude each other"):
        BuildShards(source=tmp_path, out="x", **both)


@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("step_mm", [0.7, 2.5, 5.0])
@pytest.mark.parametrize("drop_mm", [0.0, 2.4, 2.5, 7.0, 7.5])
def test_millimeters_drop_the_slices_that_lie_wholly_within_them(tmp_path, drop_mm, step_mm, up):
    affine = np.diag([1, 1, step_mm if up else -step_mm, 1])
    case = save_case(tmp_path, affine=affine)
    records = []
    summary = read_case(case, Recipe(size=8, drop_mm=drop_mm), records.append)
    tops_mm = (np.arange(SHAPE[2]) + 1) * step_mm
    expected = np.flatnonzero(tops_mm > drop_mm + 1e-6).tolist()
    assert [record.z for record in records] == list(summary.kept) == expected
    in_slices = TUMOR.sum(axis=(0, 1))[:: 1 if up else -1]
    assert summary.tumor.kept == in_slices[expected].sum()
    assert summary.tumor.kept + summary.tumor.dropped == TUMOR.sum()


def test_millimeters_beyond_the_scan_are_refused(tmp_path):
    case = save_case(tmp_path)
    with pytest.raises(BadCaseError, match=r"drops the lowest 30 mm.* 12 slices of 2.5 mm: lower"):
        slices_of(case, Recipe(drop_mm=30))


@given(st.floats(0.05, 20.0), st.integers(0, 2000))
def test_the_tutorials_count_is_dropped_only_where_it_can_lie_below_the_lungs(step_mm, count):
    assert Recipe().num_dropped(step_mm) == (30 if 30 * step_mm <= 80 + 1e-6 else 0)
    assert Recipe(drop_slices=count).num_dropped(step_mm) == count
    by_mm = Recipe(drop_mm=float(count)).num_dropped(step_mm)
    assert by_mm * step_mm <= count + 1e-4 * step_mm + 1e-9
    assert (by_mm + 1) * step_mm > count


def test_a_scan_too_thick_for_the_tutorials_rule_says_so_and_loses_nothing(tmp_path):
    records = []
    summary = read_case(save_case(tmp_path, step_mm=5.0), Recipe(size=8), records.append)
    assert (len(records), summary.num_dropped) == (SHAPE[2], 0)
    (said,) = [f for f in summary.findings if f.rule == "drop"]
    assert said.level == "note"
    assert said.message.startswith("slices of 5 mm are too thick to drop the lowest 30 slices, no")


@pytest.mark.parametrize("options", [{"drop_mm": 5.0}, {"drop_outside_lungs": True}])
def test_recipes_written_before_drop_rules_excluded_each_other_are_read(options):
    written = Recipe(**options).to_dict()
    assert Recipe.from_dict(written | {"drop_slices": 30}) == Recipe(**options)
    assert Recipe.from_dict(Recipe().to_dict() | {"drop_slices": 30}) == Recipe(drop_slices=30)


@pytest.fixture(scope="module")
def in_bed():
    """HU and mask of a phantom (RAS) between 5 slices without lung below and 4 above."""
    phantom = make_phantom(seed=5, case=1, size=64, slices=24)
    image = nib.as_closest_canonical(nib.Nifti1Image(phantom.image, phantom.affine))
    label = nib.as_closest_canonical(nib.Nifti1Image(phantom.label, phantom.affine))
    pads = ((0, 0), (0, 0), (5, 4))
    hu = np.pad(np.asarray(image.dataobj), pads, constant_values=-1000).astype(np.int16)
    return hu, np.pad(np.asarray(label.dataobj), pads).astype(np.uint8), image.affine


def test_outside_the_lungs_nothing_is_kept_and_within_them_all(tmp_path, in_bed):
    hu, tumor, affine = in_bed
    save_case(tmp_path / "s", *in_bed)
    manifest, images, masks = build(
        tmp_path / "s", tmp_path / "out", size=64, drop_outside_lungs=True
    )
    entry = manifest.cases["a"]
    pixel_mm = tuple(np.linalg.norm(affine[:3, :2], axis=0))
    shown = [
        lung_area_mm2(np.ascontiguousarray(plane.T), pixel_mm) for plane in hu.transpose(2, 0, 1)
    ]
    first, last = np.flatnonzero(np.array(shown) > 400)[[0, -1]]
    assert 5 <= first < last < hu.shape[2] - 4
    clipped = np.clip(hu, *manifest.recipe["clip"])
    np.testing.assert_array_equal(images, clipped[:, :, first : last + 1].T)
    np.testing.assert_array_equal(masks, tumor[:, :, first : last + 1].T)
    assert (entry.slices, entry.slices_dropped) == (last - first + 1, hu.shape[2] - len(images))
    assert entry.tumor_voxels_dropped == 0 < entry.tumor_voxels == tumor.sum()


def test_a_scan_that_is_read_twice_for_its_lungs_counts_what_it_fills_once(tmp_path, in_bed):
    hu, tumor, affine = in_bed
    with_nan = hu.astype(np.float32)
    with_nan[0, 0, 10:13] = np.nan
    case = save_case(tmp_path, with_nan, tumor, affine)
    recipe, records = Recipe(size=64, drop_outside_lungs=True, fill_nan=-1000), []
    summary = read_case(case, recipe, records.append)
    assert len(records) == len(summary.kept)
    said = [finding.message for finding in summary.findings if finding.rule == "values"]
    assert said == ["3 voxels without a number (NaN, infinite) given -1000 HU"]


def test_a_scan_without_lung_is_refused_by_the_rule_of_the_lungs(tmp_path):
    case = save_case(tmp_path, np.full(SHAPE, 40, np.int16))
    with pytest.raises(BadCaseError, match="shows no lung: take the case out, or drop by"):
        slices_of(case, Recipe(drop_outside_lungs=True))


@given(
    rule=st.sampled_from(["area", "nearest"]),
    pixel_mm=st.none() | st.floats(0.5, 3),
)
def test_masks_are_by_area_where_nearest_would_shift_them_unless_a_rule_is_given(rule, pixel_mm):
    assert Recipe(pixel_mm=pixel_mm).mask == ("nearest" if pixel_mm else "area")
    assert Recipe(pixel_mm=pixel_mm, mask=rule).mask == rule
    assert Recipe.from_dict(Recipe(pixel_mm=pixel_mm).to_dict()) == Recipe(pixel_mm=pixel_mm)
