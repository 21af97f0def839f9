"""The main job on real scans: shards, training, scores, a mask on the scan's own grid."""

import json
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

pytestmark = [pytest.mark.data, pytest.mark.slow]

TINY = ["--epochs", "1", "--width", "4", "--depth", "4", "--batch-size", "8", "--num-workers", "0"]


def run(*words, code=0):
    """Run a command as a user does and give back what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def shards(real_data, tmp_path_factory):
    out = tmp_path_factory.mktemp("real") / "shards"
    run("ingest", "build-shards", "--source", real_data / "lung", "--out", out, "--drop-slices", 0)
    return out


@pytest.fixture(scope="module")
def checkpoint(shards):
    out = shards.parent / "fit"
    run("lungseg.fit", "--shards", shards, "--out", out, "--devices", 1, *TINY)
    return out / "best.ckpt"


def test_every_scan_becomes_a_shard_and_keeps_its_tumor(shards):
    manifest = json.loads((shards / "manifest.json").read_text())
    assert sorted(manifest["cases"]) == [f"lung_{n}" for n in (902, 903, 905, 906, 907)]
    assert all(case["tumor_voxels_dropped"] == 0 for case in manifest["cases"].values())
    assert manifest["cases"]["lung_906"]["tumor_slices"] == 11


def test_the_tutorials_rule_loses_a_whole_tumor_which_is_said_and_no_success(real_data, tmp_path):
    said = run(
        *("ingest", "build-shards", "--source", real_data / "lung", "--out", tmp_path / "shards"),
        *("--drop-slices", 30),
        code=1,
    )
    case = json.loads((tmp_path / "shards/manifest.json").read_text())["cases"]["lung_906"]
    assert case["tumor_voxels"] == 0
    assert case["tumor_voxels_dropped"] > 0
    assert any("tumor" in warning for warning in case["warnings"])
    on_screen = [line for line in (said.stderr + said.stdout).splitlines() if "lung_906" in line]
    assert any("ALL TUMOR LOST" in line for line in on_screen), on_screen


def test_scores_are_per_case_on_the_scans_own_grid(real_data, checkpoint, tmp_path):
    out = tmp_path / "evaluation"
    source = real_data / "lung"
    run("lungseg.evaluate", "--checkpoint", checkpoint, "--source", source, "--out", out)
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["n"] >= 1
    assert 0 <= metrics["dice_case_mean"] <= 1
    assert "own grid" in metrics["grid"]
    assert (out / "cases.csv").exists()
    assert (out / "report.html").exists()


def test_a_mask_lies_on_the_input_grid(real_data, checkpoint, tmp_path):
    scan = real_data / "lung" / "imagesTs" / "lung_937.nii.gz"
    run("lungseg.predict", "--checkpoint", checkpoint, "--input", scan, "--out", tmp_path / "masks")
    image, mask = nib.load(scan), nib.load(tmp_path / "masks" / "lung_937.nii.gz")
    assert mask.shape == image.shape
    np.testing.assert_array_equal(mask.affine, image.affine)
    assert set(np.unique(np.asarray(mask.dataobj))) <= {0, 1}
