"""What tests of a calibration share: scans with a tumor and bright specks, and a checkpoint."""

import dataclasses

import numpy as np
import pytest
import torch

from ingest.recipe import Recipe
from lungseg.calibration.options import CalibrateOptions


@pytest.fixture
def source(tmp_path, scans):
    """Six labeled scans, and four more that no choice sees."""
    rng = np.random.default_rng(0)
    for number in range(1, 11):
        truth = scans.ball(center=(24 + 2 * number, 24, 10), radius_mm=7.0 + number % 3)
        bright = truth.copy()
        for x, y, z in rng.integers(2, (60, 60, 18), (5, 3)):
            bright[x : x + 2, y : y + 2, z] = 1
        part = "Tr" if number <= 6 else "Ts"
        scans.write_scan(tmp_path / f"msd/images{part}/c_{number}.nii.gz", bright)
        scans.write(tmp_path / f"msd/labels{part}/c_{number}.nii.gz", truth)
    return tmp_path / "msd"


@pytest.fixture
def checkpoint(tmp_path):
    """A checkpoint of a net that calls what is bright tumor."""
    net = {"net": "tests.lungseg.conftest:FindsBright", "net_args": ["above_hu=-300.0"]}
    net |= {"neighbors": 1}
    ours = {
        "recipe": dataclasses.replace(Recipe(), size=64, drop_slices=0).to_dict(),
        "threshold": 0.5,
        "neighbors": 1,
        "training_cases": ["other"],
        "validation_cases": [f"c_{number}" for number in range(1, 7)],
    }
    content = {"state_dict": {}, "epoch": 3, "hyper_parameters": {**net, "lungseg": ours}}
    torch.save(content, tmp_path / "best.ckpt")
    return tmp_path / "best.ckpt"


@pytest.fixture
def given(tmp_path, source, checkpoint):
    """Function: options that differ -> options of a calibration."""

    def make(**changes):
        needed = {"checkpoint": checkpoint, "source": source, "out": tmp_path / "new.ckpt"}
        return CalibrateOptions(**needed | {"device": "cpu"} | changes)

    return make
