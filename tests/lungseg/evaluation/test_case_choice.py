"""Which cases are scored, and which regions of a DICOM mask count as tumor."""

import numpy as np
import pytest

from ingest.case import BadCaseError
from ingest.recipe import Recipe
from lungseg.evaluation.case_choice import CaseChoiceError, choose_cases
from lungseg.evaluation.options import EvaluateOptions
from tests.ingest.conftest import write_rtstruct  # noqa: F401 (a fixture)

AFFINE = np.array([[-1.5, 0, 0, 20], [0, -1.5, 0, 5], [0, 0, 3.0, -100], [0, 0, 0, 1.0]])


@pytest.fixture
def dicom(tmp_path, write_series, write_rtstruct):  # noqa: F811
    """Two patients, each with a bright tumor and a lung drawn around it."""
    hu = np.full((64, 64, 6), -900, np.int16)
    hu[20:30, 20:30, 2:4] = 300
    tumor = np.array([[19.5, 19.5], [29.5, 19.5], [29.5, 29.5], [19.5, 29.5]])
    lung = np.array([[9.5, 9.5], [39.5, 9.5], [39.5, 39.5], [9.5, 39.5]])
    for patient, name in (("P1", "GTV-1"), ("P2", "tumor")):
        folder = tmp_path / "dicom" / patient
        datasets = write_series(folder, hu, AFFINE, patient=patient)
        drawn = [(region, k, line) for k in (2, 3) for region, line in enumerate((tumor, lung))]
        write_rtstruct(folder / "rt.dcm", datasets, drawn, names=(name, "Lung"), affine=AFFINE)
    return tmp_path / "dicom"


ROI = ("gtv*", "tumor")


def test_the_regions_of_the_training_count_in_dicom_masks(run, make_model, dicom):
    model = make_model(recipe=Recipe(size=64, drop_slices=0, roi=ROI))
    metrics, _ = run(model, source=dicom)
    assert [row["tp"] for row in metrics["cases"]] == [200, 200]
    assert metrics["dice_case_mean"] == 1


def test_regions_may_be_named_for_the_evaluation_alone(run, make_model, dicom):
    metrics, _ = run(make_model(), source=dicom, roi=ROI)
    assert metrics["dice_case_mean"] == 1
    metrics, _ = run(make_model(), source=dicom, roi=("lung",), overwrite=True)
    assert [row["fn"] for row in metrics["cases"]] == [2 * 900 - 200] * 2


def test_regions_that_nobody_chose_are_advised_as_the_option_that_there_is(run, make_model, dicom):
    with pytest.raises(BadCaseError, match="--roi"):
        run(make_model(), source=dicom)


def test_a_case_with_a_problem_is_not_scored_but_named(run, make_model, source):
    (source / "imagesTr/ball_2.nii").write_bytes(b"twin")
    metrics, _ = run(make_model())
    assert "ball_2 has ball_2.nii and ball_2.nii.gz" in metrics["failed"]["ball_2"]
    assert [row["case"] for row in metrics["cases"]] == ["ball_3"]


def choice(source, role, **given):
    options = EvaluateOptions(checkpoint=source, source=source, out=source, **given)
    kind, cases = choose_cases(options, lambda name: role.get(name, "unseen"), roi=())
    return kind, [case.name for case in cases]


ALL = ["ball_1", "ball_2", "ball_3"]


@pytest.mark.parametrize(
    ("role", "given", "expected"),
    [
        ({}, {}, ("labeled", ALL)),
        ({}, {"subset": "training"}, ("labeled", ALL)),
        ({}, {"subset": "test"}, ("test", ["ball_9"])),
        ({"ball_1": "training"}, {}, ("training", ALL)),
        ({"ball_1": "training"}, {"cases": ("ball_2",)}, ("labeled", ["ball_2"])),
        ({"ball_2": "validation"}, {}, ("validation", ["ball_2"])),
        ({"ball_2": "validation"}, {"subset": "training"}, ("training", ALL)),
        (dict.fromkeys(ALL, "unknown"), {}, ("labeled", ALL)),
    ],
)
def test_a_subset_is_what_the_training_made_of_it(role, given, expected, source):
    assert choice(source, role, **given) == expected


def test_there_must_be_something_to_score(source):
    with pytest.raises(CaseChoiceError, match=r"has none: choose --subset training"):
        choice(source, {}, subset="validation")
    with pytest.raises(CaseChoiceError, match=r"got ball_7: it has ball_1, ball_2, ball_3"):
        choice(source, {}, cases=("ball_7", "ball_1"))


@pytest.mark.parametrize("name", ["ball_9.nii.gz", "ball_9.mha", "ball_9.nii"])
def test_the_label_of_a_test_case_may_be_of_any_format(name, source):
    label = next((source / "labelsTs").iterdir())
    label.rename(source / "labelsTs" / name)
    assert choice(source, {}, subset="test") == ("test", ["ball_9"])
