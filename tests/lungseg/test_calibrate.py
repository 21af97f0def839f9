"""The command `python -m lungseg.calibrate`."""

from lungseg.calibrate import main, show
from lungseg.calibration.options import CalibrateOptions


def test_each_step_and_the_whole_are_a_line_with_their_intervals(tmp_path):
    gain = {"mean": 0.0123, "ci95": [0.001, 0.02]}
    step = {"name": "lung_hull", "before": False, "best": True, "taken": True, "gain": gain}
    last = {"name": "keep_largest", "before": 0, "best": 2, "taken": False}
    last |= {"gain": {"mean": -0.1, "ci95": None}, "missed": [1, 1]}
    text = show(
        {
            "steps": [step | {"missed": [2, 1]}, last],
            "failed": {},
            "n": 5,
            "score_before": 0.5,
            "score_after": 0.6,
            "gain": gain,
            "verdict": "no evidence that other scans gain",
            "out": "new.ckpt",
        }
    )
    assert text.splitlines() == [
        "lung_hull: no -> yes, gain +0.012 (95 % interval +0.001 to +0.020), missed 2, then 1: "
        "taken",
        "keep_largest: 0 -> 2, gain -0.100 (95 % interval none), missed 1, then 1: left as it was",
        "on the 5 scans that chose: guarded Dice 0.500 before, 0.600 after",
        "on scans that did not choose: gain +0.012 (95 % interval +0.001 to +0.020): no evidence "
        "that other scans gain",
        "checkpoint: new.ckpt",
    ]


def test_the_options_are_what_is_calibrated(tmp_path, monkeypatch):
    called = "lungseg.calibration.calibrate_model.calibrate"
    monkeypatch.setattr(called, lambda options: {"of": options})
    options = CalibrateOptions(
        checkpoint=tmp_path / "a.ckpt", source=tmp_path, out=tmp_path / "b.ckpt"
    )
    assert main(options) == {"of": options}
