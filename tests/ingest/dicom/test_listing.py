"""The laws of the list of regions: every name of every mask, and what a `--roi` would take."""

import numpy as np
import pytest

from ingest.__main__ import show
from ingest.case import BadCaseError
from ingest.find_cases import find_cases
from ingest.job.build import build_shards
from ingest.job.check import check
from ingest.options import BuildShards, Check
from ingest.recipe import Recipe
from shards.manifest import Manifest

AFFINE = np.array([[-0.7, 0, 0, 20], [0, -0.7, 0, 5], [0, 0, 2.5, -100], [0, 0, 0, 1.0]])
HU = np.random.default_rng(0).integers(-1000, 500, (12, 12, 5), dtype=np.int16)
SQUARE = np.array([[2.5, 2.5], [8.5, 2.5], [8.5, 8.5], [2.5, 8.5]])


@pytest.fixture
def source(tmp_path, write_series, write_rtstruct):
    """Folder of four patients whose tumors have three names."""
    source = tmp_path / "source"
    for number, name in enumerate(("GTV-1", "Tumor", "Tumour_L", "GTV-1")):
        patient = f"P{number}"
        datasets = write_series(source / patient, HU, AFFINE, patient=patient)
        drawn = [(0, 2, SQUARE), (1, 3, SQUARE - 2)]
        write_rtstruct(source / patient / "rt", datasets, drawn, names=(name, "Lung_L"))
    return source


def test_all_names_are_listed_with_what_a_choice_takes(source):
    result = check(Check(source=source, roi=("gtv*", "Tumor"), list_regions=True))
    assert [(r["name"], r["files"], r["patients"], r["tumor"]) for r in result["regions"]] == [
        ("GTV-1", 2, 2, True),
        ("Lung_L", 4, 4, False),
        ("Tumor", 1, 1, True),
        ("Tumour_L", 1, 1, False),
    ]
    assert (result["masks"], result["without"], result["exit_code"]) == (4, ["P2/rt"], 1)
    lines = show(result).splitlines()
    assert lines[0] == "GTV-1     2 files, 2 patients  tumor"
    assert lines[-2:] == [
        "no such region in P2/rt",
        f"masks in {source}: 4; names of regions: 4",
    ]


def test_without_a_choice_the_list_is_no_failure(source):
    result = check(Check(source=source, list_regions=True))
    assert result["exit_code"] == 0
    assert not any(region["tumor"] for region in result["regions"])


def test_a_folder_without_masks_is_refused(tmp_path, write_series):
    write_series(tmp_path, HU, AFFINE)
    with pytest.raises(BadCaseError, match="holds no RTSTRUCT or SEG files"):
        check(Check(source=tmp_path, list_regions=True))


def test_a_damaged_mask_is_listed_with_its_fault(source):
    path = source / "P1" / "rt"
    path.write_bytes(path.read_bytes()[:400])
    result = check(Check(source=source, list_regions=True))
    assert result["exit_code"] == 1
    assert str(path) in result["unreadable"][0]


def test_one_build_takes_a_region_of_another_name_from_each_patient(source, tmp_path):
    roi = ("gtv*", "Tumor", "tumour_?")
    out = tmp_path / "out"
    build = BuildShards(source=source, out=str(out), roi=roi, drop_slices=0, size=12, workers=1)
    assert build_shards(build)["cases"] == 4
    manifest = Manifest.from_json((out / "manifest.json").read_bytes(), where="out")
    assert [entry.tumor_voxels for entry in manifest.cases.values()] == [36] * 4
    assert Recipe.from_dict(manifest.recipe).roi == roi
    assert {tuple(entry.source["roi"]) for entry in manifest.cases.values()} == {roi}
    assert build_shards(build)["built_now"] == 0


def test_a_name_that_no_mask_has_is_said(source, caplog):
    find_cases(source, roi=("gtv*", "tumo*", "GVT"))
    assert "is named 'GVT'" in caplog.text
    assert "tumo" not in caplog.text


@pytest.mark.parametrize("roi", ["GTV", ("GTV", " ")])
def test_names_of_nothing_are_bad_usage(roi):
    with pytest.raises(ValueError, match="--roi needs names"):
        Recipe(roi=roi)
