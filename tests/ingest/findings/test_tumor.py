"""Every tumor voxel is kept, dropped or lost in resizing; what is not kept is said."""

import nibabel as nib
import numpy as np
import pytest

from ingest.findings.tumor import LOST, tumor_findings
from ingest.job.build import build_shards
from ingest.job.check import check
from ingest.options import BuildShards, Check
from ingest.recipe import Recipe
from ingest.slices.tumor_count import TumorCount
from shards.manifest import Manifest

SHAPE = (32, 32, 6)
SLICES = {"size": 8, "drop_slices": 1, "workers": 1}


@pytest.mark.parametrize(
    ("kept", "dropped", "lost", "level", "loud"),
    [(0, 0, 0, "note", False), (5, 2, 0, "warning", False), (0, 2, 0, "warning", True),
     (5, 0, 2, "warning", False), (5, 0, 5, "warning", True), (5, 2, 5, "warning", True)],
)  # fmt: skip
def test_lost_and_absent_tumors_are_said_and_loudest_when_nothing_is_left(
    kept, dropped, lost, level, loud
):
    count = TumorCount(kept=kept, dropped=dropped, lost=lost, slices_lost=bool(lost))
    (finding,) = tumor_findings("c", count, Recipe())
    assert (finding.level, finding.rule) == (level, LOST if loud else "tumor")
    assert finding.message.startswith("ALL TUMOR LOST: ") is loud
    assert ("slices that are dropped" in finding.message) is bool(dropped)
    assert (f"with {lost} of {kept + dropped} tumor voxels" in finding.message) is bool(lost)


def test_tumor_that_is_all_kept_is_no_finding():
    assert tumor_findings("c", TumorCount(kept=5), Recipe()) == []


@pytest.mark.parametrize(
    ("mask", "advice"), [("nearest", "larger --size"), ("area", "larger --size or --mask nearest")]
)
def test_the_advice_fits_the_rule_of_the_mask(mask, advice):
    count = TumorCount(kept=5)
    count.fit(5, outside=0, is_empty=True)
    assert tumor_findings("c", count, Recipe(mask=mask))[0].message.endswith(f": use a {advice}")


@pytest.mark.parametrize(
    ("cropped", "lost", "loud"), [(3, 0, False), (5, 0, True), (3, 2, True), (3, 1, False)]
)
def test_tumor_beside_what_the_slices_show_is_said(cropped, lost, loud):
    count = TumorCount(kept=5, cropped=cropped, lost=lost, slices_lost=bool(lost))
    (finding,) = tumor_findings("c", count, Recipe(size=100, pixel_mm=2.5))
    said = f"{cropped} of 5 tumor voxels lie outside the 250 mm that a slice shows: use a larger"
    assert said in finding.message
    assert (finding.rule == LOST, finding.level) == (loud, "warning")


def test_a_tumor_that_the_crop_cuts_off_is_counted_and_a_whole_one_ends_the_build(source, tmp_path):
    """The middle 12 of 32 mm: the tumor of 8 to 16 mm loses 2 of 8 columns and rows."""
    options = {"workers": 1, "drop_slices": 0, "pixel_mm": 1.0, "source": source}
    said = build_shards(BuildShards(out=str(tmp_path / "out"), size=12, **options))
    cases = Manifest.from_json((tmp_path / "out/manifest.json").read_bytes(), where="").cases
    cropped = {name: case.measures.get("tumor_voxels_outside_the_crop", 0)
               for name, case in cases.items()}  # fmt: skip
    assert cropped == {"all": 6, "none": 4 * (64 - 36), "two": 2 * (64 - 36) + 4}
    assert said["tumor_voxels_outside_the_crop"] == sum(cropped.values())
    assert (said["exit_code"], said["cases_without_their_tumor"]) == (1, ["all"])
    assert cases["all"].warnings[0].startswith("ALL TUMOR LOST: 6 of 6 tumor voxels lie outside")


@pytest.mark.parametrize(("airy", "warned"), [(0, False), (64, False), (65, True), (100, True)])
def test_a_mask_in_air_and_lung_is_said_to_lie_astray(airy, warned):
    findings = tumor_findings("c", TumorCount(kept=90, dropped=10, airy=airy), Recipe())
    astray = [f.message for f in findings if (f.level, f.rule) == ("warning", "mask")]
    said = f"{airy}% of the tumor's voxels are air or healthy lung (below -700 HU): look whether"
    assert [text.startswith(said) for text in astray] == [True] * warned


def test_a_mask_that_is_mirrored_against_its_scan_is_told(tmp_path):
    hu = np.full((32, 32, 6), -850, np.int16)
    hu[4:12, 10:20, 2:5] = 30
    mask = (hu > 0).astype(np.uint8)
    for name, array in (("good", mask), ("mirrored", mask[::-1])):
        for kind, values in (("imagesTr", hu + np.int16(name == "good")), ("labelsTr", array)):
            (tmp_path / kind).mkdir(exist_ok=True)
            nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / kind / f"{name}.nii.gz")
    findings = check(Check(source=tmp_path, **SLICES))["findings"]
    assert [f["case"] for f in findings if f["rule"] == "mask"] == ["mirrored"]


@pytest.fixture
def source(tmp_path):
    """Cases whose masks at a quarter of the size lose nothing, two of four slices, and all."""
    hu = np.random.default_rng(0).integers(-1000, 500, SHAPE, dtype=np.int16)
    for number, (name, thin) in enumerate({"all": (2, 3, 4), "none": (), "two": (2, 3)}.items()):
        mask = np.zeros(SHAPE, np.uint8)
        mask[8:16, 8:16, 1:5] = name != "all"
        mask[:, :, thin] = 0
        mask[9, 9:11, thin] = 1
        for kind, array in (("imagesTr", hu + np.int16(number)), ("labelsTr", mask)):
            (tmp_path / "source" / kind).mkdir(parents=True, exist_ok=True)
            nib.save(
                nib.Nifti1Image(array, np.eye(4)), tmp_path / "source" / kind / f"{name}.nii.gz"
            )
    return tmp_path / "source"


@pytest.mark.parametrize("mask", ["nearest", "area"])
def test_tumor_lost_in_resizing_is_counted_in_the_manifest_and_said(source, tmp_path, mask):
    build_shards(BuildShards(source=source, out=str(tmp_path / "out"), mask=mask, **SLICES))
    cases = Manifest.from_json((tmp_path / "out/manifest.json").read_bytes(), where="").cases
    lost = {
        name: [
            entry.measures.get(f"tumor_{what}_lost_in_resizing", 0) for what in ("slices", "voxels")
        ]
        for name, entry in cases.items()
    }
    assert lost == {"all": [3, 6], "none": [0, 0], "two": [2, 4]}
    assert {name: entry.tumor_slices for name, entry in cases.items()} == {
        "all": 0, "none": 4, "two": 2,
    }  # fmt: skip
    assert cases["none"].warnings == ()
    assert (
        cases["two"].warnings[0].startswith("the mask is empty at --size 8 in 2 slices with 4 of")
    )
    assert cases["all"].warnings[0].startswith("ALL TUMOR LOST: the mask is empty at --size 8")


def test_check_says_what_resizing_loses_with_the_words_of_the_build(source):
    said = {f["case"]: f["message"] for f in check(Check(source=source, **SLICES))["findings"]}
    assert set(said) == {"all", "two"}
    assert said["all"].startswith("ALL TUMOR LOST: the mask is empty at --size 8 in 3 slices")


def test_a_size_as_large_as_the_scan_loses_nothing(source):
    assert check(Check(source=source, **{**SLICES, "size": 32}))["findings"] == []
