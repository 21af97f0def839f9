"""What is done is known by what it was made from and by, whatever else changed."""

import csv

import pytest

from ingest.case import Case
from lungseg.inference.errors import PredictError
from lungseg.inference.ledger import Ledger
from lungseg.inference.options import PredictOptions
from lungseg.postprocessing.lesion_table import COLUMNS as LESION_COLUMNS

LESION = dict.fromkeys(LESION_COLUMNS[1:], 1)
RESULT = {
    "tumor_ml": 1.5,
    "tumor_voxels": 3,
    "slices": 9,
    "slices_unread": 2,
    "lesions": [LESION, LESION | {"lesion": 2}],
}


@pytest.fixture
def scans(tmp_path):
    """Two files that are told apart by their bytes."""
    made = [Case(name=n, image=tmp_path / f"{n}.nii", label=None, patient=n) for n in "ab"]
    for scan in made:
        scan.image.write_bytes(b"scan " + scan.name.encode())
    return made


@pytest.fixture
def ledger(tmp_path):
    """Function: options, hash of the checkpoint -> the ledger of `tmp_path/out`."""
    needed = {"checkpoint": tmp_path / "c", "input": tmp_path, "out": tmp_path / "out"}
    (tmp_path / "out").mkdir()

    def open_ledger(sha256="1" * 64, **given):
        return Ledger(PredictOptions(**needed | {"skip_done": True} | given), sha256)

    return open_ledger


def make(ledger, scan, out):
    ledger.begin(scan)
    (out / f"{scan.name}.nii.gz").touch()
    ledger.done(scan, RESULT | {"files": [f"{scan.name}.nii.gz"]})


def names(scans):
    return [scan.name for scan in scans]


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_what_is_done_is_left_out_by_the_next_run(ledger, scans, tmp_path):
    make(ledger(), scans[0], tmp_path / "out")
    assert names(ledger().left(scans)) == ["b"]
    make(ledger(), scans[1], tmp_path / "out")
    assert ledger().left(scans) == []


def test_without_skip_done_all_are_left_unless_something_lies_there(ledger, scans, tmp_path):
    assert ledger(skip_done=False).left(scans) == scans
    make(ledger(), scans[0], tmp_path / "out")
    with pytest.raises(PredictError, match="would be replaced"):
        ledger(skip_done=False).left(scans)
    assert ledger(skip_done=False, overwrite=True).left(scans) == scans


@pytest.mark.parametrize(
    "other",
    [
        {"sha256": "2" * 64},
        {"threshold": 0.3},
        {"all_slices": True},
        {"fill_nan": 0},
        {"precision": "32"},
    ],
)
def test_results_of_another_checkpoint_or_of_other_options_are_not_done(
    other, ledger, scans, tmp_path
):
    make(ledger(), scans[0], tmp_path / "out")
    with pytest.raises(PredictError, match="of another checkpoint, scan or options"):
        ledger(**other).left(scans)
    assert names(ledger(**other, overwrite=True).left(scans)) == ["a", "b"]


@pytest.mark.parametrize("alike", [{"device": "cpu"}, {"batch_size": 3}])
def test_how_fast_it_goes_makes_no_other_result(alike, ledger, scans, tmp_path):
    make(ledger(), scans[0], tmp_path / "out")
    assert names(ledger(**alike).left(scans)) == ["b"]


def test_a_changed_scan_is_not_done(ledger, scans, tmp_path):
    make(ledger(), scans[0], tmp_path / "out")
    scans[0].image.write_bytes(b"another scan")
    with pytest.raises(PredictError, match="of another checkpoint, scan or options"):
        ledger().left(scans)


def test_what_was_begun_or_failed_or_lost_a_file_is_made_again(ledger, scans, tmp_path):
    out = tmp_path / "out"
    begun = ledger()
    begun.begin(scans[0])
    (out / "a.nii.gz").touch()  # a kill between the mask and its row
    begun.failed(scans[1], "no scan")
    assert names(ledger().left(scans)) == ["a", "b"]
    make(ledger(), scans[0], out)
    (out / "a.nii.gz").unlink()
    assert names(ledger().left(scans)) == ["a", "b"]


def test_a_row_whose_lesions_are_lost_is_made_again(ledger, scans, tmp_path):
    make(ledger(), scans[0], tmp_path / "out")
    (tmp_path / "out/lesions.csv").unlink()
    assert names(ledger().left(scans)) == ["a", "b"]


def test_the_tables_say_what_was_found_and_what_failed(ledger, scans, tmp_path):
    made = ledger()
    made.begin(scans[1])
    made.failed(scans[1], "it is broken")
    make(made, scans[0], tmp_path / "out")
    made.finish()
    one, other = rows(tmp_path / "out/predictions.csv")
    assert (one["case"], one["status"], one["tumor_ml"], one["lesions"]) == (
        "a",
        "done",
        "1.5",
        "2",
    )
    assert (one["files"], one["scan"], one["error"]) == ("a.nii.gz", str(scans[0].image), "")
    assert (other["case"], other["status"], other["error"]) == ("b", "failed", "it is broken")
    assert one["made_by"] == other["made_by"]
    assert one["made_from"] != other["made_from"]
    assert [row["case"] for row in rows(tmp_path / "out/lesions.csv")] == ["a", "a"]


def test_a_scan_that_is_gone_is_noted_all_the_same(ledger, scans, tmp_path):
    scans[0].image.unlink()
    ledger().failed(scans[0], "gone")
    (row,) = rows(tmp_path / "out/predictions.csv")
    assert row["made_from"] == "unreadable"
