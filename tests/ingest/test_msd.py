"""Each file in the layout of the MSD is part of a case, or is told of; none is lost in silence."""

import json
import logging

import pytest

from ingest.case import BadCaseError
from ingest.find_cases import find_cases


@pytest.fixture
def source(tmp_path):
    """Function: paths -> a source with these files, empty ones."""

    def make(*paths, listing=None):
        for path in paths:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(b"")
        if listing is not None:
            (tmp_path / "dataset.json").write_text(json.dumps(listing))
        return tmp_path

    return make


def listed(*names):
    """The content of a `dataset.json` with a pair for each file name."""
    return {
        "training": [
            {"image": f"./imagesTr/{name}", "label": f"./labelsTr/{name}"} for name in names
        ]
    }


def files_of(cases):
    """Name -> file names of image and label."""
    return {case.name: (case.image.name, case.label and case.label.name) for case in cases}


LISTINGS = {
    "no listing": None,
    "a listing": listed("x.nii.gz"),
    "a listing of no files": {"channel_names": {"0": "CT"}, "file_ending": ".nii.gz"},
}


@pytest.mark.parametrize("listing", LISTINGS.values(), ids=LISTINGS)
@pytest.mark.parametrize("image", ["x.nii.gz", "x_0000.nii.gz"])
def test_an_image_has_the_label_of_its_name_with_or_without_a_channel(
    source, listing, image, caplog
):
    folder = source(f"imagesTr/{image}", "labelsTr/x.nii.gz", listing=listing)
    (case,) = find_cases(folder)
    assert files_of([case]) == {"x": (image, "x.nii.gz")}
    assert case.problem == ""
    assert caplog.messages == []


def test_a_number_of_four_digits_is_no_channel_where_the_label_has_it_too(source):
    files = [f"{kind}/c_{n:04d}.nii.gz" for kind in ("imagesTr", "labelsTr") for n in range(2)]
    cases = find_cases(source(*files))
    assert files_of(cases) == {
        "c_0000": ("c_0000.nii.gz", "c_0000.nii.gz"),
        "c_0001": ("c_0001.nii.gz", "c_0001.nii.gz"),
    }


def test_a_label_without_image_is_a_case_whose_image_is_missing(source):
    cases = find_cases(source("imagesTr/a.nii", "labelsTr/a.nii.gz", "labelsTr/b.nii.gz"))
    assert files_of(cases) == {"a": ("a.nii", "a.nii.gz"), "b": ("b.nii.gz", "b.nii.gz")}
    assert not cases[1].image.exists()


@pytest.mark.parametrize("listing", [None, listed("x.nii.gz")])
@pytest.mark.parametrize(("twin", "what"), [("imagesTr", "image"), ("labelsTr", "label")])
def test_a_file_that_is_there_packed_and_unpacked_is_a_problem_of_its_case(
    source, twin, what, listing
):
    files = ("imagesTr/x.nii.gz", "labelsTr/x.nii.gz", f"{twin}/x.nii")
    (case,) = find_cases(source(*files, listing=listing))
    assert case.problem == f"a case may have one {what}, x has x.nii and x.nii.gz: remove one"


def test_two_images_of_one_name_are_a_problem(source):
    (case,) = find_cases(source("imagesTr/a.b.nii.gz", "imagesTr/a_b.nii.gz"))
    assert case.problem.endswith("a_b has a.b.nii.gz and a_b.nii.gz: remove one")


STRANGE = ["imagesTr/d.gipl", "imagesTr/deeper", "imagesTr/e.png", "labelsTr/f.txt"]


@pytest.mark.parametrize("listing", [None, listed("x.nii.gz")])
def test_files_of_no_case_are_named_in_one_line(source, listing, caplog):
    files = ("imagesTr/x.nii.gz", "labelsTr/x.nii.gz", "imagesTr/deeper/y.nii.gz", *STRANGE[:1])
    folder = source(*files, *STRANGE[2:], "imagesTr/.DS_Store", listing=listing)
    assert list(files_of(find_cases(folder))) == ["x"]
    (line,) = caplog.messages
    assert f"left out 4 files of no case: {', '.join(STRANGE)} (" in line


def test_what_the_listing_leaves_out_is_named_and_not_read(source, caplog):
    names = [f"{kind}/{name}.nii.gz" for kind in ("imagesTr", "labelsTr") for name in "abcdx"]
    assert list(files_of(find_cases(source(*names, listing=listed("x.nii.gz"))))) == ["x"]
    (line,) = caplog.messages
    assert "left out 8 files" in line
    assert "imagesTr/d.nii.gz, labelsTr/a.nii.gz, ... (" in line


@pytest.mark.parametrize("listing", [None, listed("x.nii.gz", "._x.nii.gz")])
def test_files_of_macos_are_counted_in_both_folders(source, listing, caplog):
    caplog.set_level(logging.INFO)
    kinds = ("imagesTr", "labelsTr")
    files = [f"{kind}/{name}x.nii.gz" for kind in kinds for name in ("", "._")]
    assert list(files_of(find_cases(source(*files, listing=listing)))) == ["x"]
    (line,) = caplog.messages
    assert line.startswith("ignored 2 files of macOS (._*)")


def test_test_cases_have_no_label_and_no_listing_of_them_means_none(source):
    folder = source("imagesTs/t.nii.gz", "labelsTs/t.nii.gz", "imagesTr/x.nii.gz")
    assert files_of(find_cases(folder, subset="test")) == {"t": ("t.nii.gz", None)}
    with pytest.raises(BadCaseError, match="at least one test case"):
        find_cases(source(listing=listed("x.nii.gz")), subset="test")


@pytest.mark.parametrize(
    "listing", [[], {"training": [3]}, {"training": [{"label": "x"}]}, {"training": 7}]
)
def test_a_listing_in_another_form_is_refused(source, listing):
    with pytest.raises(BadCaseError, match="must list `training` as in the MSD"):
        find_cases(source("imagesTr/x.nii.gz", listing=listing))


@pytest.mark.parametrize("name", ["n" * 80, "two words", "\N{GREEK SMALL LETTER ALPHA}" * 40])
def test_a_name_is_text_of_at_most_80_bytes(source, name):
    (case,) = find_cases(source(f"imagesTr/{name}.nii.gz", f"labelsTr/{name}.nii.gz"))
    assert (case.name, case.problem) == (name, "")


@pytest.mark.parametrize(
    ("name", "size"),
    [("n" * 81, 81), ("\N{GREEK SMALL LETTER ALPHA}" * 41, 82), ("not\udcffutf8", 8), ("a\nb", 3)],
)
def test_a_name_that_no_tar_or_no_line_can_hold_is_a_problem(source, name, size):
    (case,) = find_cases(source(f"imagesTr/{name}.nii.gz", f"labelsTr/{name}.nii.gz"))
    rule = f"printable text of 1 to 80 bytes, got {size} bytes, {name!r}: rename its files"
    assert case.problem == f"the name of a case must be {rule}"
