"""A scan is counted as an evaluation would count it."""

import torch

from ingest.case import Case
from ingest.slices.scan_slices import load_scan
from lungseg.calibration.tally_scan import tally_scan
from lungseg.inference.infer import predict_scan
from lungseg.postprocessing.rules import Rules

CPU = torch.device("cpu")


def test_its_counts_are_those_of_the_masks_whatever_the_orientation(tmp_path, scans, make_model):
    truth = scans.ball()
    bright = truth | scans.ball(center=(12, 44, 4), radius_mm=5.0)
    path = scans.write_scan(tmp_path / "a.nii.gz", bright, orientation="SAR")
    label = scans.write(tmp_path / "label.nii.gz", truth, orientation="PIR")
    case = Case(name="a", image=path, label=label, patient="a")
    model = make_model(drop_slices=9)
    tally = tally_scan(case, model, [0.5], device=CPU, batch_size=4)
    assert tally.tumor == truth.sum()
    for rules in (Rules(), Rules(keep_largest=1)):
        whole = make_model(drop_slices=9, rules=rules)
        mask = predict_scan(whole, load_scan(path, model.recipe), device=CPU)
        assert tally.found(0.5, rules)[0] == mask.sum() > 0
    assert tally.found(0.5, Rules(keep_largest=1))[1] == truth[:, :, 9:].sum()
