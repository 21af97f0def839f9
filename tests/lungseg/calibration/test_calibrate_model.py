"""A calibration raises the score of scans that it never saw, or says that it does not."""

import json

import pytest
import torch

from lungseg.calibrate import show
from lungseg.calibration.calibrate_model import CalibrationError, calibrate
from lungseg.calibration.new_checkpoint import NewCheckpointError
from lungseg.evaluation.options import EvaluateOptions
from lungseg.evaluation.score_all import evaluate
from lungseg.inference.model_file import load_model
from lungseg.postprocessing.rules import Rules


def dice_of_unseen(checkpoint, source, out, **options):
    given = {"checkpoint": checkpoint, "source": source, "out": out, "subset": "test"}
    evaluate(EvaluateOptions(**given | {"device": "cpu"} | options))
    metrics = json.loads((out / "metrics.json").read_text())
    return metrics["dice_case_mean"], metrics["post_processing"]


def test_the_chosen_setting_raises_the_score_of_unseen_scans(given, checkpoint, source, tmp_path):
    result = calibrate(given())
    assert result["verdict"] == "scans that did not choose gain"
    assert result["gain"]["ci95"][0] > 0
    new = load_model(tmp_path / "new.ckpt")
    assert new.rules.smallest_mm3 or new.rules.keep_largest
    before, _ = dice_of_unseen(checkpoint, source, tmp_path / "before")
    after, rules = dice_of_unseen(tmp_path / "new.ckpt", source, tmp_path / "after")
    assert before < 0.98 < after
    assert rules == new.rules.to_dict()
    assert after - before == pytest.approx(result["gain"]["mean"], abs=0.05)
    off, rules = dice_of_unseen(
        tmp_path / "new.ckpt", source, tmp_path / "off", post_processing=False
    )
    assert (off, rules) == (before, Rules().to_dict())


def test_a_model_that_needs_nothing_keeps_its_setting_and_is_told_so(given, source, scans):
    for number in range(1, 7):
        truth = scans.ball(radius_mm=6.0 + number)
        scans.write_scan(source / f"imagesTr/c_{number}.nii.gz", truth)
        scans.write(source / f"labelsTr/c_{number}.nii.gz", truth)
    result = calibrate(given())
    assert result["verdict"] == "no step gains: the setting stays as it was"
    assert (result["threshold"], result["score_before"], result["score_after"]) == (0.5, 1, 1)
    assert "no step gains" in show(result)


def test_the_new_checkpoint_says_why_and_the_old_one_stays(given, checkpoint, tmp_path):
    old = checkpoint.read_bytes()
    result = calibrate(given())
    assert checkpoint.read_bytes() == old
    decision = torch.load(tmp_path / "new.ckpt", weights_only=True)["hyper_parameters"]["lungseg"][
        "decision"
    ]
    assert decision["steps"] == result["steps"]
    assert decision["cases"] == [f"c_{n}" for n in range(1, 7)]
    assert {"gain", "definition", "n", "rules"} <= decision.keys()
    text = show(result)
    assert "smallest_mm3: 0 -> " in text
    assert "on scans that did not choose: gain +0." in text


def test_an_average_is_scored_by_what_was_chosen_for_it(
    given, checkpoint, source, tmp_path, caplog
):
    """Of a net that finds tumor and two that see none anywhere the mean is at most a third."""
    content = torch.load(checkpoint, weights_only=True)
    content["hyper_parameters"]["net_args"] = ["above_hu=9000.0"]
    blind = tmp_path / "blind.ckpt"
    torch.save(content, blind)
    result = calibrate(given(average_with=(blind, blind), flips=True))
    assert result["threshold"] < 0.5
    assert result["score_before"] < 0.2 < 0.98 < result["score_after"]
    average = {"average_with": (blind, blind), "subset": "validation"}
    new = tmp_path / "new.ckpt"
    found, _ = dice_of_unseen(new, source, tmp_path / "all", flips=True, **average)
    assert found == pytest.approx(result["score_after"])
    assert not [record for record in caplog.records if "chosen for another" in record.message]
    dice_of_unseen(new, source, tmp_path / "less", **average)
    assert "new.ckpt were chosen for another average than this one: " in caplog.text
    with pytest.raises(NewCheckpointError, match="is the checkpoint itself"):
        calibrate(given(average_with=(blind,), out=blind, overwrite=True))


def test_scans_of_the_training_and_too_few_are_refused(given, checkpoint, source, caplog):
    caplog.set_level("INFO")
    with pytest.raises(CalibrationError, match=r"needs 3 scans with tumor at least, .* gave 2"):
        calibrate(given(cases=("c_1", "c_2")))
    assert "choosing on" not in caplog.text  # before any of them is read
    content = torch.load(checkpoint, weights_only=True)
    content["hyper_parameters"]["lungseg"]["training_cases"] = ["c_2"]
    torch.save(content, checkpoint)
    with pytest.raises(CalibrationError, match="trained on cannot choose, as c_2"):
        calibrate(given(subset="training"))


def test_a_damaged_scan_is_named_and_the_others_choose(given, source, caplog):
    (source / "labelsTr/c_3.nii.gz").write_bytes(b"damaged")
    result = calibrate(given())
    assert (result["n"], list(result["failed"]), result["exit_code"]) == (5, ["c_3"], 1)
    assert "failed: c_3: " in show(result)


def test_ctrl_c_says_that_nothing_was_written(given, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("lungseg.calibration.calibrate_model.tally_scan", interrupted)
    with pytest.raises(KeyboardInterrupt) as end:
        calibrate(given())
    assert end.value.__notes__ == ["nothing was written, the same command begins anew"]
    assert not (tmp_path / "new.ckpt").exists()
