"""What tests of an evaluation share: a small data set, and a run of all of it."""

import json

import pytest

from lungseg.evaluation.options import EvaluateOptions
from lungseg.evaluation.score_all import evaluate


@pytest.fixture
def source(tmp_path, scans):
    """Three labeled training scans of several orientations and a test scan."""
    for number, where in enumerate(("LPS", "RAS", "PIR"), start=1):
        truth = scans.ball(center=(30 + 4 * number, 24, 12), radius_mm=6.0 + 3 * number)
        for folder, make in (("imagesTr", scans.write_scan), ("labelsTr", scans.write)):
            make(tmp_path / "msd" / folder / f"ball_{number}.nii.gz", truth, orientation=where)
    scans.write_scan(tmp_path / "msd/imagesTs/ball_9.nii.gz", scans.ball())
    scans.write(tmp_path / "msd/labelsTs/ball_9.nii.gz", scans.ball())
    return tmp_path / "msd"


@pytest.fixture
def run(tmp_path, source, monkeypatch):
    """Evaluates a model; returns its `metrics.json`, and what was printed as the result."""
    (tmp_path / "best.ckpt").write_bytes(b"weights")

    def run(model=None, **options):
        monkeypatch.setattr("lungseg.inference.ensemble.load_model", lambda path, device: model)
        settings = {"source": source, "out": tmp_path / "out", "device": "cpu"} | options
        if "predictions" not in options:
            settings["checkpoint"] = tmp_path / "best.ckpt"
        result = evaluate(EvaluateOptions(**settings))
        return json.loads((tmp_path / "out/metrics.json").read_text()), result

    return run
