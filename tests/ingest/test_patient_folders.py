"""Images find the labels beside them, by words in names; what does not fit is a problem by name."""

import pytest

from ingest.case import BadCaseError
from ingest.find_cases import find_cases


@pytest.fixture
def source(tmp_path):
    """Function: paths -> a source with these files, empty ones."""

    def make(*paths):
        for path in paths:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(b"")
        return tmp_path

    return make


def pairs(cases):
    return {case.name: (case.image.name, case.label and case.label.name) for case in cases}


@pytest.mark.parametrize("label", ["mask.nii.gz", "label.mha", "tumor-seg.nrrd", "x_GT.nii"])
@pytest.mark.parametrize("image", ["image.nii.gz", "ct.mha", "anything.nii"])
def test_a_folder_per_patient_is_a_case_of_that_name(source, image, label):
    cases = find_cases(source(f"p.1/{image}", f"p.1/{label}", f"p2/{image}", f"p2/{label}"))
    assert pairs(cases) == {"p_1": (image, label), "p2": (image, label)}
    assert {case.name: case.patient for case in cases} == {"p_1": "p.1", "p2": "p2"}
    assert not any(case.problem for case in cases)


def test_several_images_of_a_folder_are_told_apart_by_the_rest_of_their_names(source):
    cases = find_cases(source("p/t0_ct.nii", "p/t0_seg.nii", "p/t1-image.nii", "p/t1-mask.nii"))
    assert pairs(cases) == {
        "p_t0_ct": ("t0_ct.nii", "t0_seg.nii"),
        "p_t1-image": ("t1-image.nii", "t1-mask.nii"),
    }


def test_files_side_by_side_are_patients_of_their_own(source):
    cases = find_cases(source("a_ct.nii", "a_seg.nii", "b_ct.nii", "b_seg.nii"))
    assert pairs(cases) == {"a_ct": ("a_ct.nii", "a_seg.nii"), "b_ct": ("b_ct.nii", "b_seg.nii")}
    assert [case.patient for case in cases] == ["a_ct", "b_ct"]


def test_names_of_any_alphabet_are_told_apart_and_suffixes_of_any_case_are_read(source):
    people = ("Müller", "Möller", "Иванов", "Петров", "王")
    names = [f"{who}_{kind}.NII.gz" for who in people for kind in ("ct", "seg")]
    cases = find_cases(source(*names))
    assert pairs(cases) == {
        f"{who}_ct": (f"{who}_ct.NII.gz", f"{who}_seg.NII.gz") for who in people
    }
    assert not any(case.problem for case in cases)


@pytest.mark.parametrize(("images", "labels"), [("images", "labels"), ("CT", "masks")])
def test_folders_of_images_and_of_labels_are_one(source, images, labels):
    names = [f"{kind}/{name}.nii" for kind in (images, labels) for name in "ab"]
    assert pairs(find_cases(source(*names))) == {"a": ("a.nii", "a.nii"), "b": ("b.nii", "b.nii")}
    inner = [f"{name}/{kind}/x.nii" for kind in (images, labels) for name in ("p1", "p2")]
    cases = find_cases(source(*inner) / "p1")
    assert pairs(cases) == {"x": ("x.nii", "x.nii")}


def test_scans_below_one_topmost_folder_are_of_one_patient_wherever_the_topmost_lies(source):
    names = [
        f"data/{way}/{kind}.nii" for way in ("p1/t0", "p1/t1", "p2/t0") for kind in ("ct", "seg")
    ]
    patients = {case.name: case.patient for case in find_cases(source(*names))}
    assert patients == {"data_p1_t0": "p1", "data_p1_t1": "p1", "data_p2_t0": "p2"}


def test_what_does_not_fit_is_a_problem_by_name(source):
    cases = find_cases(
        source(
            *("two/ct.nii", "two/a_seg.nii", "two/b_seg.nii"),
            *("none/ct.nii",),
            *("lone/mask.nii",),
            *("many/ct.nii", "many/scan.nii", "many/seg.nii"),
            *("loose/1_ct.nii", "loose/2_ct.nii", "loose/3_seg.nii"),
        )
    )
    said = {case.name: (case.label is None, case.problem) for case in cases}
    assert "two has a_seg.nii, b_seg.nii: move the others away" in said.pop("two")[1]
    assert said.pop("none") == (True, "")
    assert "is a label by its name" in said.pop("lone_mask")[1]
    assert {case.name: case.patient for case in cases}["lone_mask"] == "lone"
    for name in ("many_ct", "many_scan"):
        assert "could be the label of ct.nii, scan.nii" in said.pop(name)[1]
    assert said.pop("loose_1_ct") == said.pop("loose_2_ct") == (True, "")
    assert "no image in its folder" in said.pop("loose_3_seg")[1]
    assert said == {}


def test_what_may_be_a_scan_and_is_not_read_is_named(source, caplog):
    folder = source(
        "p1/ct.nhdr", "p1/ct.raw.gz", "p1/seg.nii", "p2/ct.mgz", "p2/seg.nii.zip", "p2/note.txt"
    )
    (folder / "p1/ct.nhdr").write_text("NRRD0004\ndata file: ct.raw.gz\n")
    assert list(pairs(find_cases(folder))) == ["p1"]
    (line,) = caplog.messages
    assert line.startswith(f"left out, as no format that is read: {folder}/p2/ct.mgz, {folder}/p2/")
    assert "convert" in line


def test_test_cases_are_for_the_msd_layout(source):
    with pytest.raises(BadCaseError, match="a test case needs the MSD layout"):
        find_cases(source("p/ct.nii", "p/seg.nii"), subset="test")
