"""Scores of a checkpoint on scans with labels."""

import csv
import os

import nibabel
import numpy as np
import pytest

from ingest.case import BadCaseError
from lungseg.evaluate import show
from lungseg.evaluation.case_choice import CaseChoiceError
from lungseg.evaluation.leave import OutputError
from lungseg.evaluation.options import EvaluateOptions
from lungseg.evaluation.score_all import evaluate
from lungseg.inference.model_file import ModelFileError


def voxels(path):
    return np.asarray(nibabel.load(path).dataobj) > 0


def test_a_perfect_prediction_scores_one(run, make_model):
    metrics, result = run(make_model())
    assert metrics["dice_case_mean"] == result["dice_case_mean"] == 1
    assert (metrics["n"], metrics["missed"], metrics["threshold"]) == (2, 0, 0.5)
    assert "hd95_mm_of_missed" not in result


def test_a_model_that_predicts_nothing_scores_zero(run, make_model):
    metrics, result = run(make_model(above_hu=30_000.0), subset="training")
    assert metrics["dice_case_mean"] == 0
    assert (metrics["n"], metrics["missed"]) == (3, 3)
    assert result["hd95_mm_of_missed"] == "the scan's diagonal stands in, in 3 cases"


def test_the_numbers_equal_those_counted_by_hand(run, make_model, source, tmp_path, scans):
    for number in (1, 2, 3):  # labels that the model, which finds the bright ball, gets wrong
        truth = scans.ball(center=(30 + 4 * number, 28, 11), radius_mm=10.0 + number)
        where = ("LPS", "RAS", "PIR")[number - 1]
        path = source / "labelsTr" / f"ball_{number}.nii.gz"
        scans.write(path, truth, orientation=where)
    metrics, _ = run(make_model(drop_slices=11), subset="training")
    by_hand = []
    for number, row in zip((1, 2, 3), metrics["cases"], strict=True):
        name = f"ball_{number}.nii.gz"
        truth = voxels(source / "labelsTr" / name)
        image = nibabel.load(source / "imagesTr" / name)
        found = np.asarray(image.dataobj) > -300
        axis = "".join(nibabel.aff2axcodes(image.affine)).replace("I", "S").index("S")
        lowest = slice(0, 11) if "S" in nibabel.aff2axcodes(image.affine) else slice(-11, None)
        np.moveaxis(found, axis, 0)[lowest] = False
        tp, fp, fn = (found & truth).sum(), (found & ~truth).sum(), (~found & truth).sum()
        assert (row["tp"], row["fp"], row["fn"]) == (tp, fp, fn)
        assert row["fn_dropped"] == np.moveaxis(truth, axis, 0)[lowest].sum() > 0
        assert row["truth_ml"] == pytest.approx(truth.sum() * 1.5 * 1.5 * 3 / 1000, abs=1e-4)
        assert (row["slices"], row["slices_dropped"]) == (20, 11)
        by_hand.append(2 * tp / (2 * tp + fp + fn))
    assert metrics["dice_case_mean"] == pytest.approx(np.mean(by_hand), abs=1e-12)
    with (tmp_path / "out/cases.csv").open() as file:
        assert [float(row["dice"]) for row in csv.DictReader(file)] == pytest.approx(by_hand)


def test_slices_where_the_model_cried_wolf_are_named(run, make_model, source, tmp_path, scans):
    """What `--slice-weights` takes: only slices without tumor, from the feet, as in the index."""
    scans.write(source / "labelsTr/ball_3.nii.gz", scans.ball(radius_mm=2.0), orientation="PIR")
    run(make_model(), subset="training")
    found = voxels(source / "imagesTr/ball_3.nii.gz")
    image = nibabel.load(source / "imagesTr/ball_3.nii.gz")
    hu = np.asarray(nibabel.as_closest_canonical(image).dataobj)
    pixels = np.count_nonzero(hu > -300, axis=(0, 1))
    truth = scans.ball(radius_mm=2.0).any(axis=(0, 1))
    expected = {z: n * 1.5**2 for z, n in enumerate(pixels) if n and not truth[z]}
    assert found.any()
    with (tmp_path / "out/slices.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["case"] for row in rows} == {"ball_3"}
    areas = {int(row["z"]): float(row["false_mm2"]) for row in rows}
    assert areas == pytest.approx(expected, abs=0.01)
    assert all(1 < float(row["weight"]) <= 5 for row in rows)


def test_the_pooled_soft_dice_is_over_the_recipes_pixels(run, make_model, source):
    metrics, _ = run(make_model(), subset="training")
    overlap = total = 0.0
    for number in (1, 2, 3):
        image = nibabel.load(source / "imagesTr" / f"ball_{number}.nii.gz")
        hu = np.asarray(image.dataobj).astype(float)
        probability = 1 / (1 + np.exp(-0.05 * (hu + 300)))
        truth = voxels(source / "labelsTr" / f"ball_{number}.nii.gz")
        overlap += probability[truth].sum()
        total += probability.sum() + truth.sum()
    assert metrics["dice_pooled_soft"] == pytest.approx(2 * overlap / total, abs=1e-6)


def test_other_definitions_and_controls_are_told_where_asked_for(run, make_model):
    metrics, result = run(make_model(), explain=True)
    scores = metrics["explain"]["scores"]
    assert scores["case_mean"]["model"] == scores["case_mean"]["ceiling"] == 1
    assert scores["case_mean"]["nothing"] == 0
    assert scores["soft_pooled"]["model"] == pytest.approx(metrics["dice_pooled_soft"], abs=1e-12)
    assert 0 < scores["case_mean"]["everything"] < 0.5
    text = show(result)
    assert "slice_mean_not_empty" in text
    assert "everything: every voxel" in text
    assert "explain" not in run(make_model(), overwrite=True)[0]


def test_each_predicted_lesion_has_its_confidence(run, make_model, tmp_path):
    metrics, result = run(make_model())
    with (tmp_path / "out/lesions.csv").open() as file:
        sure = {row["of"]: row["confidence"] for row in csv.DictReader(file)}
    assert sure["label"] == ""
    assert float(sure["prediction"]) == 1
    assert result["froc_score"] == metrics["froc"]["score"] == 1
    assert result["lesion_ece"] < 1e-6


def test_members_give_each_case_an_interval(run, make_model):
    metrics, _ = run(make_model(), flips=True)
    assert metrics["volume_intervals"]["n"] == 2
    row = metrics["cases"][0]
    assert row["predicted_ml_least"] == row["predicted_ml_most"] == row["predicted_ml"]


def test_held_out_cases_are_the_default_and_the_log_says_so(run, make_model, caplog):
    caplog.set_level("INFO")
    metrics, _ = run(make_model())
    assert [row["case"] for row in metrics["cases"]] == ["ball_2", "ball_3"]
    assert {row["role"] for row in metrics["cases"]} == {"validation"}
    assert "scoring 2 validation scans" in caplog.text
    assert "chose its best epoch" in caplog.text


def test_scans_of_another_source_are_scored_whole_and_not_called_the_trainings(
    run, make_model, caplog
):
    caplog.set_level("INFO")
    metrics, _ = run(make_model(training_cases=("other",), validation_cases=("another",)))
    assert [row["role"] for row in metrics["cases"]] == ["unseen"] * 3
    assert metrics["subset"] == "labeled"
    assert "scoring 3 labeled scans of" in caplog.text
    assert "training" not in caplog.text


def test_scores_of_training_cases_carry_a_warning(run, make_model, caplog):
    metrics, _ = run(make_model(), subset="training")
    assert [row["role"] for row in metrics["cases"]] == ["training", "validation", "validation"]
    assert "trained on these scans" in caplog.text
    assert "ball_1" in caplog.text


def test_test_scans_are_scored_by_labels_in_labels_ts(run, make_model):
    metrics, _ = run(make_model(), subset="test")
    assert [row["case"] for row in metrics["cases"]] == ["ball_9"]
    assert metrics["dice_case_mean"] == 1


@pytest.mark.parametrize("label", ["ball_9.nii.gz", "ball_9_0000.nii.gz", "ball_9.nii"])
def test_test_scans_may_have_the_names_of_nnunet(label, run, make_model, source):
    (source / "imagesTs/ball_9.nii.gz").rename(source / "imagesTs/ball_9_0000.nii.gz")
    image = nibabel.load(source / "labelsTs/ball_9.nii.gz")
    nibabel.save(image, source / "labelsTs" / f"new_{label}")
    (source / "labelsTs/ball_9.nii.gz").unlink()
    (source / "labelsTs" / f"new_{label}").rename(source / "labelsTs" / label)
    metrics, _ = run(make_model(), subset="test")
    assert metrics["dice_case_mean"] == 1


def test_tumor_free_scans_stay_outside_the_mean(run, make_model, source, scans):
    empty = np.zeros((64, 64, 20), np.uint8)
    scans.write(source / "labelsTr/ball_2.nii.gz", empty, orientation="RAS")
    metrics, _ = run(make_model())
    assert (metrics["n"], metrics["dice_case_mean"]) == (1, 1)
    assert (metrics["tumor_free"], metrics["false_alarms"]) == (1, 1)
    assert metrics["false_alarm_ml"] == metrics["cases"][0]["false_positive_ml"] > 1
    assert metrics["cases"][0]["verdict"] == "false alarm"


def test_every_score_says_what_it_is(run, make_model, tmp_path):
    metrics, result = run(make_model(), threshold=0.3)
    for said in (metrics, result):
        assert "2 TP" in said["definition"]
        assert "own grid" in said["grid"]
        assert said["threshold"] == 0.3
    assert metrics["recipe"]["size"] == 64
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "metrics.json",
        "cases.csv",
        "lesions.csv",
        "slices.csv",
        "report.html",
        "config.yaml",
    }


def test_a_label_stored_along_other_axes_is_the_same_label(run, make_model, source, scans):
    truth = scans.ball(center=(38, 24, 12), radius_mm=12.0)
    scans.write(source / "labelsTr/ball_2.nii.gz", truth, orientation="LPI")
    assert run(make_model())[0]["dice_case_mean"] == 1


def truncate(label, scans):
    label.write_bytes(label.read_bytes()[:-20])


def put_elsewhere(label, scans):
    scans.write(label, scans.ball(), orientation="RAS", shift_mm=4.0)


def give_another_shape(label, scans):
    scans.write(label, scans.ball((64, 64, 21)), orientation="RAS")


DAMAGES = [truncate, put_elsewhere, give_another_shape]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_case_is_named_and_costs_that_case_alone(
    damage, run, make_model, source, scans, tmp_path
):
    damage(source / "labelsTr/ball_2.nii.gz", scans)
    metrics, result = run(make_model())
    assert [row["case"] for row in metrics["cases"]] == ["ball_3"]
    assert list(metrics["failed"]) == ["ball_2"]
    assert "ball_2.nii.gz" in metrics["failed"]["ball_2"]
    assert result["exit_code"] == 1
    page = (tmp_path / "out/report.html").read_text()
    assert "Not scored, and outside all numbers: ball_2" in page


@pytest.mark.parametrize("damage", DAMAGES)
def test_where_no_case_can_be_scored_nothing_is_left(
    damage, run, make_model, source, scans, tmp_path
):
    damage(source / "labelsTr/ball_2.nii.gz", scans)
    with pytest.raises(BadCaseError, match=r"no case could be scored: .*ball_2\.nii\.gz"):
        run(make_model(), cases=("ball_2",))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.ckpt", "msd"]


@pytest.mark.parametrize("fault", ["absent", "layout", "name"])
def test_what_can_be_seen_at_once_is_refused_at_once(fault, run, make_model, source, tmp_path):
    label, options = source / "labelsTr/ball_2.nii.gz", {}
    if fault == "absent":
        label.unlink()
    elif fault == "layout":
        options["source"] = tmp_path / "msd/labelsTs"
    else:
        options["cases"] = ("ball_7",)
    with pytest.raises((BadCaseError, CaseChoiceError)) as caught:
        run(make_model(), **options)
    assert {"layout": "labelsTs", "name": "ball_7"}.get(fault, label.name) in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.ckpt", "msd"]


def test_a_checkpoint_that_is_not_there_is_named_before_what_would_be_replaced(
    run, make_model, source, tmp_path, monkeypatch
):
    model = make_model()
    run(model)
    with pytest.raises(OutputError, match="would be replaced"):
        run(model)
    monkeypatch.undo()  # the loader, which `run` replaces
    absent = tmp_path / "absent.ckpt"
    options = EvaluateOptions(checkpoint=absent, source=source, out=tmp_path / "out")
    with pytest.raises(ModelFileError, match=r"absent\.ckpt is no checkpoint \(no such file\)"):
        evaluate(options)


def test_a_second_run_replaces_its_own_files_only(run, make_model, tmp_path):
    run(make_model(), overwrite=True)
    (tmp_path / "out/notes.txt").write_text("mine")
    first = (tmp_path / "out/report.html").read_bytes()
    run(make_model(), overwrite=True)
    assert (tmp_path / "out/report.html").read_bytes() == first
    assert (tmp_path / "out/notes.txt").read_text() == "mine"


def test_ctrl_c_says_that_nothing_was_written(run, make_model, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("lungseg.evaluation.score_all.examine", interrupted)
    with pytest.raises(KeyboardInterrupt) as end:
        run(make_model())
    assert end.value.__notes__ == ["nothing was written, the same command begins anew"]
    assert not (tmp_path / "out").exists()


def test_a_folder_whose_name_is_no_text_costs_no_result(run, make_model, source, tmp_path):
    odd = source.rename(source.with_name(os.fsdecode(b"M\xfcller")))
    metrics, _ = run(make_model(), source=odd)
    assert metrics["dice_case_mean"] == 1
    assert "M\\udcfcller" in (tmp_path / "out/report.html").read_text()
