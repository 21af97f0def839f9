"""The command `python -m lungseg.predict`."""

import json
import re
import subprocess
import sys

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from ingest.recipe import Recipe
from lungseg.inference.case_table import CaseTable
from lungseg.inference.ledger import COLUMNS, NAME
from lungseg.inference.options import PredictOptions
from lungseg.inference.predict_all import predict
from lungseg.models.build import build_net
from tests.waiting import wait_until


@pytest.mark.slow
def test_the_command_says_in_one_line_what_is_wrong(tmp_path, folder):
    (tmp_path / "best.ckpt").write_text("no weights")
    command = [sys.executable, "-m", "lungseg.predict", "--checkpoint", tmp_path / "best.ckpt"]
    ended = subprocess.run(
        [*command, "--input", folder, "--out", tmp_path / "out"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert re.fullmatch(r"python -m lungseg\.predict: .*no checkpoint.*\n", ended.stderr)
    assert not (tmp_path / "out").exists()


@pytest.fixture
def checkpoint(tmp_path):
    """A real checkpoint of a small net with the tutorial's recipe, untrained."""
    options = {"neighbors": 1, "width": 4, "depth": 3, "norm": "instance"}
    ours = {"recipe": Recipe(drop_slices=30).to_dict(), "threshold": 0.5, "neighbors": 1}
    ours |= {"manifest_sha256": "", "training_cases": [], "validation_cases": []}
    weights = {f"net.{name}": value for name, value in build_net(options).state_dict().items()}
    content = {"state_dict": weights, "hyper_parameters": options | {"lungseg": ours}}
    torch.save(content, tmp_path / "best.ckpt")
    return tmp_path / "best.ckpt"


@pytest.mark.data
@pytest.mark.slow
def test_the_command_predicts_a_real_scan_on_its_own_grid(real_data, tmp_path, checkpoint):
    scan = real_data / "lung/imagesTs/lung_937.nii.gz"
    command = [sys.executable, "-m", "lungseg.predict", "--checkpoint", checkpoint, "--gif"]
    ended = subprocess.run(
        [*command, "--input", scan, "--out", tmp_path / "out", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(ended.stdout)["predicted"]["lung_937"]
    assert (said["slices"], said["slices_unread"]) == (112, 30)
    mask, image = nibabel.load(tmp_path / "out/lung_937.nii.gz"), nibabel.load(scan)
    assert mask.shape == image.shape
    assert (mask.affine == image.affine).all()
    assert said["tumor_voxels"] == np.count_nonzero(mask.dataobj)
    with Image.open(tmp_path / "out/lung_937.gif") as animation:
        assert animation.n_frames == 82


def left_in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".yaml"}


@pytest.mark.slow
def test_a_command_that_was_killed_does_only_the_rest_when_it_is_run_again(
    tmp_path, checkpoint, scans
):
    names = [f"s{number:02}" for number in range(20)]
    for number, name in enumerate(names):
        ball = scans.ball((24, 24, 6), center=(12, 12, number % 6), radius_mm=8.0)
        scans.write_scan(tmp_path / f"in/{name}.nii.gz", ball)
    given = {"checkpoint": checkpoint, "input": tmp_path / "in", "device": "cpu"}
    predict(PredictOptions(**given, out=tmp_path / "whole"))
    command = [sys.executable, "-m", "lungseg.predict", "--out", tmp_path / "out"]
    command += [word for name, value in given.items() for word in (f"--{name}", str(value))]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        written = (tmp_path / "out" / f"{names[6]}.nii.gz").exists
        wait_until(written, "a few scans", during=process)
        process.kill()
        said = process.stderr.read().decode()
    rows = CaseTable(tmp_path / "out" / NAME, COLUMNS)
    done = [name for name in names if any(row["status"] == "done" for row in rows.rows(name))]
    assert len(done) >= 6, said
    result = predict(PredictOptions(**given, out=tmp_path / "out", skip_done=True))
    assert result["skipped"] == done
    assert list(result["predicted"]) == names[len(done) :]
    assert left_in(tmp_path / "out") == left_in(tmp_path / "whole")
