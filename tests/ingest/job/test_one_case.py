"""One case becomes one whole shard, or a reason and nothing else."""

import hashlib
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from ingest.case import BadCaseError, Case
from ingest.job.one_case import Task, build_case
from ingest.recipe import Recipe
from shards.errors import StoreError

SHAPE = (8, 8, 4)


@pytest.fixture
def task(tmp_path):
    hu = np.random.default_rng(0).integers(-1000, 500, SHAPE, dtype=np.int16)
    mask = np.zeros(SHAPE, np.uint8)
    mask[2:5, 2:5, 1:3] = 1
    for name, array in (("i", hu), ("m", mask)):
        nib.save(nib.Nifti1Image(array, np.eye(4)), tmp_path / f"{name}.nii.gz")
    case = Case(name="a", image=tmp_path / "i.nii.gz", label=tmp_path / "m.nii.gz", patient="P")
    return Task(
        case=case,
        recipe=Recipe(size=8, drop_slices=2),
        out=str(tmp_path / "out"),
        compress=False,
        fingerprint={"image": 1},
    )


def files(task):
    return [path.name for path in Path(task.out).rglob("*") if path.is_file()]


def test_the_entry_tells_what_the_shard_holds(task, tmp_path):
    built = build_case(task).built
    data = (tmp_path / "out" / built.entry.shard).read_bytes()
    assert (built.entry.bytes, built.entry.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (built.entry.patient, built.entry.source) == ("P", {"image": 1})
    assert (built.entry.slices, built.entry.slices_dropped, built.entry.tumor_slices) == (2, 2, 1)
    assert (built.entry.tumor_voxels, built.entry.tumor_voxels_dropped) == (9, 9)
    assert built.index.z.tolist() == [2, 3]
    assert built.entry.warnings == (
        "9 of 18 tumor voxels lie in slices that are dropped: keep them with --drop-slices 0, or "
        "drop by --drop-mm or --drop-outside-lungs",
    )
    assert files(task) == ["a.tar"]


def test_a_bad_case_leaves_a_lasting_reason_in_one_line(task):
    path = task.case.image
    path.write_bytes(path.read_bytes()[:-8])
    outcome = build_case(task)
    assert outcome.built is None
    assert outcome.lasting
    assert "truncated" in outcome.reason
    assert files(task) == []


@pytest.mark.parametrize(
    ("error", "lasting", "reason"),
    [
        (BadCaseError("two\nlines"), True, "two lines"),
        (ZeroDivisionError("ours"), False, "unexpected ZeroDivisionError: ours"),
    ],
)
def test_our_own_mistake_costs_one_case_and_is_tried_again(
    task, monkeypatch, error, lasting, reason
):
    def fail(*_):
        raise error

    monkeypatch.setattr("ingest.job.one_case.read_case", fail)
    outcome = build_case(task)
    assert (outcome.built, outcome.lasting, outcome.reason) == (None, lasting, reason)
    assert files(task) == []


def test_a_target_that_cannot_be_written_to_ends_the_job(task, tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(StoreError):
        build_case(task)
