"""The check command: all findings of all cases, in one go, with the exit code they deserve."""

import json
import os
import signal
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

from ingest.case import BadCaseError, Case
from ingest.findings.of_case import Examination, examine
from ingest.job.check import check, show_findings
from ingest.options import Check
from ingest.recipe import Recipe

SHAPE = (16, 16, 6)
HU = np.random.default_rng(0).integers(-1000, 500, SHAPE, dtype=np.int16)
TUMOR = np.zeros(SHAPE, np.uint8)
TUMOR[4:9, 4:9, 3:5] = 1
OPTIONS = {"size": 16, "drop_slices": 1, "workers": 1}


def save(folder, kind, name, array, *, shift_mm=0.0):
    (folder / kind).mkdir(parents=True, exist_ok=True)
    affine = np.eye(4)
    affine[0, 3] = shift_mm
    path = folder / kind / f"{name}.nii.gz"
    nib.save(nib.Nifti1Image(array, affine), path)
    return path


@pytest.fixture
def source(tmp_path):
    for number, name in enumerate(("a", "b")):
        save(tmp_path, "imagesTr", name, HU + np.int16(number))
        save(tmp_path, "labelsTr", name, TUMOR)
    return tmp_path


def said(result):
    return {(f["level"], f["case"], f["rule"]) for f in result["findings"]}


def test_a_sound_source_has_no_finding_and_exit_code_0(source):
    result = check(Check(source=source, **OPTIONS))
    assert (result["cases"], result["findings"], result["exit_code"]) == (2, [], 0)


def test_one_bad_case_is_told_all_that_is_wrong_with_it(source):
    image = save(source, "imagesTr", "a", (HU + 1024).astype(np.int16) * 2)
    label = save(source, "labelsTr", "a", TUMOR * 3, shift_mm=30)
    label.write_bytes(label.read_bytes()[:-8] + bytes(8))
    result = check(Check(source=source, **OPTIONS))
    assert {("fatal", "a", "values"), ("fatal", "a", "label"), ("fatal", "a", "place")} == said(
        result
    )
    assert result["exit_code"] == 1
    image.write_bytes(image.read_bytes()[:200])
    again = said(check(Check(source=source, **OPTIONS)))
    assert ("fatal", "a", "image") in again


def stumble(*_):
    raise RuntimeError("our own\nmistake")


def test_a_case_that_trips_over_our_own_mistake_is_unfit_and_traced(source, monkeypatch, caplog):
    monkeypatch.setattr("ingest.findings.of_case.read_case", stumble)
    case = Case(name="a", image=source / "imagesTr/a.nii.gz", label=None, patient="a")
    examined = examine(Examination(case=case, recipe=Recipe(), needs_label=True))
    (finding,) = examined.findings
    assert (finding.level, finding.case, finding.rule) == ("fatal", "a", "case")
    assert finding.message == "unexpected RuntimeError: our own mistake"
    assert "in stumble" in caplog.text


def test_warnings_alone_leave_the_exit_code_0(source):
    save(source, "labelsTr", "a", TUMOR, shift_mm=0.2)
    save(source, "labelsTr", "b", TUMOR[:, :, ::-1])
    result = check(Check(source=source, **{**OPTIONS, "drop_slices": 2}))
    assert said(result) == {("warning", "a", "place"), ("warning", "b", "tumor")}
    assert result["exit_code"] == 0


def test_test_cases_are_read_and_need_no_label(source):
    save(source, "imagesTs", "t", HU + np.int16(8))
    save(source, "imagesTs", "u", HU.astype(np.float32) * np.nan)
    result = check(Check(source=source, **OPTIONS))
    assert (result["cases"], said(result)) == (4, {("fatal", "u", "image")})


def test_what_is_in_training_and_in_test_is_named_by_patient_and_by_voxels(source):
    save(source, "imagesTs", "b", HU + np.int16(9))
    for name in ("0", "t"):
        save(source, "imagesTs", name, HU)
    result = check(Check(source=source, **OPTIONS))
    messages = {(f["case"], f["rule"]): f["message"] for f in result["findings"]}
    assert list(messages) == [("a", "split"), ("b", "split"), ("t", "twice")]
    assert messages["a", "split"].startswith("has the voxels of test case t: scores of the test")
    assert messages["b", "split"].startswith("has the patient of test case b: scores of the test")
    assert messages["t", "twice"].startswith("has the voxels of 0: ")


def test_a_drop_rule_that_leaves_nothing_is_a_finding(source):
    result = check(Check(source=source, **{**OPTIONS, "drop_slices": 6}))
    assert said(result) == {("fatal", "a", "case"), ("fatal", "b", "case")}


def test_fatal_findings_come_first_in_the_table(source):
    save(source, "labelsTr", "b", TUMOR * 2)
    save(source, "labelsTr", "a", TUMOR * 0)
    lines = show_findings(check(Check(source=source, **OPTIONS))).splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [["fatal", "b"], ["note", "a"]]
    assert lines[2].endswith(": 2; fatal 1, warning 0, note 1")


def test_any_number_of_workers_finds_the_same(source):
    save(source, "labelsTr", "b", TUMOR * 2)
    results = [check(Check(source=source, **{**OPTIONS, "workers": n})) for n in (1, 2)]
    assert results[0] == results[1]


def test_nothing_is_written(source):
    before = sorted(source.rglob("*"))
    check(Check(source=source, **OPTIONS))
    assert sorted(source.rglob("*")) == before


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(BadCaseError, match="MSD layout"):
        check(Check(source=tmp_path, **OPTIONS))


def test_the_command_prints_json_and_leaves_with_1(source):
    save(source, "labelsTr", "b", TUMOR * 2)
    command = [sys.executable, "-m", "ingest", "check", "--source", str(source), "--json"]
    done = subprocess.run(
        [*command, "--drop-slices", "1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["fatal"] == 1


@pytest.mark.data
def test_the_real_scans_are_fit_and_their_lost_tumors_are_said(real_data):
    result = check(Check(source=real_data / "lung", workers=2, drop_slices=30))
    assert (result["cases"], result["fatal"], result["exit_code"]) == (6, 0, 1)
    lost = [f["case"] for f in result["findings"] if "ALL TUMOR LOST" in f["message"]]
    assert lost == ["lung_906"]


@pytest.mark.data
def test_by_default_no_real_scan_loses_its_tumor(real_data):
    for folder in ("lung", "rider"):
        result = check(Check(source=real_data / folder, workers=2))
        assert (result["fatal"], result["exit_code"]) == (0, 0)
        assert not [f for f in result["findings"] if "ALL TUMOR LOST" in f["message"]]


def test_a_lost_tumor_makes_the_exit_code_1_as_in_the_build_unless_accepted(source):
    save(source, "labelsTr", "b", TUMOR[:, :, ::-1])
    lossy = {**OPTIONS, "drop_slices": 3}
    for accept in (False, True):
        result = check(Check(source=source, accept_lost_tumor=accept, **lossy))
        assert ("warning", "b", "lost") in said(result)
        assert result["exit_code"] == int(not accept)
        assert show_findings(result).endswith("; 1 case without any of its tumor")


@pytest.mark.slow
def test_a_case_that_hangs_is_unfit(source, monkeypatch):
    monkeypatch.setattr("ingest.job.check.examine", hang)
    result = check(Check(source=source, case_minutes=0.1, **OPTIONS))
    assert said(result) == {("fatal", "a", "case")}
    assert "it took over 0.1 minutes, twice" in result["findings"][0]["message"]


def hang(task):
    """Examine a case, unless it is the one that is never read to its end."""
    if task.case.name == "a":
        os.kill(os.getpid(), signal.SIGSTOP)
    return examine(task)
