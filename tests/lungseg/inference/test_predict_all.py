"""Masks of scans as files."""

import csv
import gc
import re
import threading
import tracemalloc
import zipfile

import nibabel
import numpy as np
import pytest
import yaml
from PIL import Image

from ingest.find_scans import find_scans
from ingest.recipe import Recipe
from ingest.slices.scan_slices import load_scan
from lungseg.inference.errors import PredictError
from lungseg.inference.one_scan import predict_one
from lungseg.inference.options import PredictOptions
from lungseg.inference.predict_all import predict
from shards.errors import StoreError
from shards.storage.target import locked, open_target
from tests.lungseg.conftest import files_of


@pytest.fixture
def run(tmp_path, make_model, monkeypatch):
    """Predicts into `tmp_path/out`."""
    model = make_model(drop_slices=3)
    monkeypatch.setattr("lungseg.inference.ensemble.load_model", lambda path, device: model)

    def run(path, **options):
        settings = {"out": tmp_path / "out", "device": "cpu"} | options
        return predict(PredictOptions(checkpoint=tmp_path / "best.ckpt", input=path, **settings))

    return run


def test_a_mask_has_the_exact_grid_of_its_scan(run, folder, tmp_path):
    result = run(folder)
    for number in (1, 2):
        name = f"ball_{number}"
        scan = nibabel.load(folder / f"{name}.nii.gz")
        mask = nibabel.load(tmp_path / f"out/{name}.nii.gz")
        assert mask.shape == scan.shape
        assert (mask.affine == scan.affine).all()
        assert mask.get_data_dtype() == np.uint8
        voxels = np.asarray(mask.dataobj)
        assert set(np.unique(voxels)) == {0, 1}
        assert (voxels == (np.asarray(scan.dataobj) > -300)).all()
        assert result["predicted"][name]["tumor_voxels"] == voxels.sum()
        assert result["predicted"][name]["slices_unread"] == 3


def test_the_animation_has_a_frame_per_slice_that_the_model_saw(run, folder, tmp_path):
    run(folder / "ball_1.nii.gz", gif=True, mp4=True, contact_sheet=True)
    assert {path.name for path in (tmp_path / "out").glob("ball_1.*")} == {
        f"ball_1.{suffix}" for suffix in ("nii.gz", "gif", "mp4", "png")
    }
    with Image.open(tmp_path / "out/ball_1.gif") as animation:
        assert animation.n_frames == 17
    assert not (tmp_path / "out/ball_2.nii.gz").exists()


def test_an_uncompressed_scan_is_a_scan(run, folder, tmp_path):
    nibabel.save(nibabel.load(folder / "ball_1.nii.gz"), tmp_path / "plain.nii")
    run(tmp_path / "plain.nii")
    assert nibabel.load(tmp_path / "out/plain.nii.gz").shape == (64, 64, 20)


def test_results_are_not_replaced_unless_told_so(run, folder, tmp_path):
    run(folder)
    first = (tmp_path / "out/ball_1.nii.gz").read_bytes()
    with pytest.raises(PredictError, match=r"ball_1\.nii\.gz and 1 more would be replaced.*--over"):
        run(folder)
    run(folder, overwrite=True)
    assert (tmp_path / "out/ball_1.nii.gz").read_bytes() == first


def test_a_scan_is_never_replaced(run, folder):
    before = (folder / "ball_1.nii.gz").read_bytes()
    with pytest.raises(PredictError, match="would replace the scan"):
        run(folder, out=folder, overwrite=True)
    assert (folder / "ball_1.nii.gz").read_bytes() == before


def test_a_broken_scan_is_named_and_the_others_are_done(run, folder, tmp_path, caplog):
    broken = folder / "ball_1.nii.gz"
    broken.write_bytes(broken.read_bytes()[:-20])
    result = run(folder, gif=True)
    assert result["exit_code"] == 1
    assert list(result["failed"]) == ["ball_1"]
    assert "ball_1 failed" in caplog.text
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "ball_2.gif",
        "ball_2.nii.gz",
        "config.yaml",
        "lesions.csv",
        "predictions.csv",
    ]


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        (lambda hu: hu, None),
        (lambda hu: 2 * hu + 1800, "0 to 2400, not HU. .*1024\\)$"),
        (lambda hu: (hu > 0).astype(np.int16), "0 to 1, no HU of a chest"),
    ],
)
def test_values_that_are_no_hu_of_a_chest_are_said(run, folder, tmp_path, caplog, stored, told):
    scan = nibabel.load(folder / "ball_1.nii.gz")
    values = stored(np.asarray(scan.dataobj))
    nibabel.save(nibabel.Nifti1Image(values, scan.affine), tmp_path / "ball_9.nii.gz")
    assert "ball_9" in run(tmp_path / "ball_9.nii.gz")["predicted"]
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(said) == (told is not None)
    assert all(re.search(told, message) for message in said)


def test_a_single_broken_scan_is_one_known_error(run, folder, tmp_path):
    broken = folder / "ball_1.nii.gz"
    broken.write_bytes(b"\x1f\x8b nothing")
    with pytest.raises(PredictError, match=r"no scan could be read: .*ball_1\.nii\.gz"):
        run(broken)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "config.yaml",
        "lesions.csv",
        "predictions.csv",
    }


def test_an_output_that_cannot_be_made_is_one_known_error(run, folder, tmp_path):
    with pytest.raises(PredictError, match=r"cannot be written \(Not a directory\)"):
        run(folder, out=folder / "readme.txt/deeper")


def table(tmp_path, name="predictions"):
    with (tmp_path / f"out/{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_lesion_has_a_row_also_after_going_on(run, folder, tmp_path, scans):
    two = scans.ball() | scans.ball(center=(12, 40, 8), radius_mm=6.0)
    scans.write_scan(folder / "two.nii.gz", two)
    run(folder)
    rows = table(tmp_path, "lesions")
    assert [(row["case"], row["lesion"]) for row in rows] == [
        ("ball_1", "1"),
        ("ball_2", "1"),
        ("two", "1"),
        ("two", "2"),
    ]
    assert [row["lesions"] for row in table(tmp_path)] == ["1", "1", "2"]
    total = sum(float(row["volume_ml"]) for row in rows if row["case"] == "two")
    assert total == pytest.approx(float(table(tmp_path)[2]["tumor_ml"]), abs=1e-3)
    (tmp_path / "out/two.nii.gz").unlink()
    assert list(run(folder, skip_done=True)["predicted"]) == ["two"]
    assert table(tmp_path, "lesions") == rows


def test_the_table_has_a_row_per_scan_with_its_volume_or_its_fault(run, folder, tmp_path):
    (folder / "ball_3.nii.gz").write_bytes(b"\x1f\x8b nothing")
    result = run(folder)
    one, two, three = table(tmp_path)
    assert [row["case"] for row in (one, two, three)] == ["ball_1", "ball_2", "ball_3"]
    for row in (one, two):
        said = result["predicted"][row["case"]]
        assert float(row["tumor_ml"]) == said["tumor_ml"] > 0
        voxels = nibabel.load(tmp_path / "out" / row["files"]).get_fdata().sum()
        assert int(row["tumor_voxels"]) == voxels
        assert (row["slices"], row["slices_unread"], row["status"]) == ("20", "3", "done")
    assert (three["status"], three["tumor_ml"]) == ("failed", "")
    assert "ball_3.nii.gz" in three["error"]


def test_slices_that_the_training_dropped_are_said_and_read_on_request(
    run, folder, tmp_path, caplog
):
    caplog.set_level("INFO")
    run(folder / "ball_1.nii.gz")
    assert "3 of 20 slices unread as in the training (--all-slices reads them)" in caplog.text
    caplog.clear()
    result = run(folder / "ball_1.nii.gz", all_slices=True, overwrite=True)
    assert result["predicted"]["ball_1"]["slices_unread"] == 0
    assert "unread" not in caplog.text


def test_a_scan_shorter_than_what_the_training_dropped_is_read_whole(
    run, folder, tmp_path, scans, caplog
):
    truth = scans.ball((64, 64, 3), center=(40, 20, 1), radius_mm=9)
    path = scans.write_scan(tmp_path / "short/short.nii.gz", truth)
    run(path)
    mask = nibabel.load(tmp_path / "out/short.nii.gz").get_fdata()
    assert mask.sum() == truth.sum()
    assert "short: all slices are read, because the recipe drops" in caplog.text
    assert "lower --drop" not in caplog.text


@pytest.mark.parametrize("gif", [False, True])
def test_what_is_done_is_skipped_and_only_the_rest_is_made(run, folder, tmp_path, gif):
    run(folder, gif=gif)
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    (tmp_path / "out/ball_1.nii.gz").unlink()
    before = (tmp_path / "out/ball_2.nii.gz").stat().st_mtime_ns
    result = run(folder, gif=gif, skip_done=True)
    assert (list(result["predicted"]), result["skipped"]) == (["ball_1"], ["ball_2"])
    assert (tmp_path / "out/ball_2.nii.gz").stat().st_mtime_ns == before
    again = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert first.keys() == again.keys()
    assert all(first[name] == again[name] for name in first if name != "config.yaml")
    assert run(folder, gif=gif, skip_done=True)["predicted"] == {}


def test_averaging_and_flips_are_other_results(run, folder):
    run(folder)
    for other in ({"flips": True}, {"average_with": (folder / "second.ckpt",)}):
        with pytest.raises(PredictError, match="of another checkpoint, scan or options"):
            run(folder, skip_done=True, **other)


def test_what_a_run_leaves_says_neither_to_skip_nor_to_replace(run, folder, tmp_path):
    run(folder, skip_done=True, overwrite=True, flips=True)
    saved = yaml.safe_load((tmp_path / "out/config.yaml").read_text())
    assert saved["flips"]
    assert not saved.keys() & {"skip_done", "overwrite"}


def test_a_failed_scan_is_tried_again(run, folder):
    whole = (folder / "ball_1.nii.gz").read_bytes()
    (folder / "ball_1.nii.gz").write_bytes(whole[:-20])
    run(folder)
    (folder / "ball_1.nii.gz").write_bytes(whole)
    result = run(folder, skip_done=True)
    assert (list(result["predicted"]), result["skipped"]) == (["ball_1"], ["ball_2"])


def test_another_scan_or_other_options_are_not_done(run, folder, scans):
    run(folder)
    with pytest.raises(PredictError, match=r"ball_1.*and 1 more \(of another checkpoint"):
        run(folder, skip_done=True, threshold=0.3)
    scans.write_scan(folder / "ball_1.nii.gz", scans.ball(radius_mm=9.0), orientation="LPS")
    with pytest.raises(PredictError, match=r"ball_1\.nii\.gz \(of another"):
        run(folder, skip_done=True)
    result = run(folder, skip_done=True, overwrite=True)
    assert (list(result["predicted"]), result["skipped"]) == (["ball_1"], ["ball_2"])


def test_a_run_that_was_killed_between_a_mask_and_its_row_goes_on(
    run, folder, tmp_path, monkeypatch
):
    class Killed(BaseException):
        pass

    def kill(self, scan, result):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("lungseg.inference.ledger.Ledger.done", kill)
        with pytest.raises(Killed):
            run(folder)
    assert (tmp_path / "out/ball_1.nii.gz").exists()
    result = run(folder, skip_done=True)
    assert list(result["predicted"]) == ["ball_1", "ball_2"]
    assert [row["status"] for row in table(tmp_path)] == ["done", "done"]


@pytest.mark.data
def test_a_dicom_series_becomes_a_nifti_mask_on_its_grid(run, real_data, tmp_path):
    with zipfile.ZipFile(real_data / "dicom/4D-Lung-113_HM10395.zip") as archive:
        archive.extractall(tmp_path / "series")
    (name,) = run(tmp_path / "series")["predicted"]
    mask = nibabel.load(tmp_path / f"out/{name}.nii.gz")
    (case,) = find_scans(tmp_path / "series")
    grid = load_scan(case, Recipe(size=8, drop_slices=0)).grid
    assert mask.shape == grid.shape == (512, 512, 38)
    assert np.abs(mask.affine - grid.matrix).max() < 1e-5  # NIfTI keeps float32
    assert np.asarray(mask.dataobj).any()


def test_a_segmentation_of_a_series_is_left_out_when_it_is_there(run, write_series, tmp_path):
    truth = np.zeros((24, 20, 8), np.int16)
    truth[5:12, 4:9, 4:7] = 1
    affine = np.array([[0.7, 0, 0, 20], [0, -0.7, 0, 5], [0, 0, 2.5, -100], [0, 0, 0, 1.0]])
    write_series(tmp_path / "in/ct", np.where(truth == 1, 300, -900), affine)
    result = run(tmp_path / "in", format="dicom-seg")
    (name,) = result["predicted"]
    made = (tmp_path / f"out/{name}.dcm").read_bytes()
    assert result["predicted"][name]["files"] == [f"{name}.dcm"]
    assert run(tmp_path / "in", format="dicom-seg", skip_done=True)["skipped"] == [name]
    run(tmp_path / "in", format="dicom-seg", overwrite=True)
    assert (tmp_path / f"out/{name}.dcm").read_bytes() == made


@pytest.fixture
def many(tmp_path, scans):
    """A folder of scans, the fourth of which is broken."""
    for number in range(8):
        ball = scans.ball((24, 24, 8), center=(12, 12, number), radius_mm=8.0)
        scans.write_scan(tmp_path / f"many/s{number}.nii.gz", ball)
    (tmp_path / "many/s3.nii.gz").write_bytes(b"no scan")
    return tmp_path / "many"


def test_several_devices_leave_what_one_leaves(run, many, tmp_path):
    one = run(many, out=tmp_path / "one")
    several = run(many, out=tmp_path / "several", devices=("cpu", "cpu", "cpu"))
    assert files_of(tmp_path / "several") == files_of(tmp_path / "one")
    assert several["predicted"] == one["predicted"]
    assert list(several["failed"]) == list(one["failed"]) == ["s3"]


@pytest.mark.parametrize("devices", [(), ("cpu", "cpu")])
def test_a_run_that_was_killed_within_a_scan_does_only_the_rest(
    run, many, tmp_path, monkeypatch, devices
):
    run(many, out=tmp_path / "whole")

    class Killed(BaseException):
        pass

    def dies(count):
        steps = iter(range(count))

        def step(self, *args):
            if next(steps, None) is None:
                raise Killed

        return step

    with monkeypatch.context() as patch:
        patch.setattr("shards.console.progress._Lines.step", dies(12))
        with pytest.raises(Killed):
            run(many, devices=devices)
    before = {row["case"] for row in table(tmp_path) if row["status"] == "done"}
    result = run(many, skip_done=True, devices=devices)
    assert set(result["skipped"]) == before
    assert before
    assert files_of(tmp_path / "out") == files_of(tmp_path / "whole")


def test_ctrl_c_leaves_the_tables_tidy_and_says_how_to_go_on(run, many, tmp_path, monkeypatch):
    scans = iter(range(2))

    def interrupted(*given, **named):
        if next(scans, None) is None:
            raise KeyboardInterrupt
        return predict_one(*given, **named)

    monkeypatch.setattr("lungseg.inference.predict_all.predict_one", interrupted)
    with pytest.raises(KeyboardInterrupt) as end:
        run(many)
    assert "the same command with --skip-done goes on" in end.value.__notes__[0]
    names = [row["case"] for row in table(tmp_path)]
    assert len(set(names)) == len(names) == 3


def test_one_scan_after_the_other_takes_no_more_memory(run, many, tmp_path):
    run(many, out=tmp_path / "warm")
    threads = set(threading.enumerate())
    tracemalloc.start()
    try:
        sizes = []
        for number in range(3):
            run(many, out=tmp_path / f"again{number}")
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert sizes[2] - sizes[1] < 100_000
    assert set(threading.enumerate()) <= threads


def test_one_prediction_at_a_time_writes_to_a_folder(run, folder, tmp_path):
    out = tmp_path / "out"
    with (
        locked(open_target(str(out))),
        pytest.raises(StoreError, match="one job may write"),
    ):
        run(folder)
    assert not out.exists()
