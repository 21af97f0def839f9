"""A training is reproducible, goes on where it was killed, and scores the same on any ranks."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from lungseg.config import FitOptions
from lungseg.data import SliceData
from lungseg.errors import TrainingError
from lungseg.training import fit
from shards.store import open_shards
from tests.toy_shards import make_shards

TINY = {"width": 4, "depth": 2, "batch_size": 8, "num_workers": 0, "augment": "light"}


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return make_shards(tmp_path_factory.mktemp("disks"))


def options(shards, out, **given):
    return FitOptions(shards=str(shards), out=out, devices=1, accelerator="cpu", **TINY | given)


def losses(out):
    with (out / "metrics.csv").open(newline="") as file:
        return [row["train/loss"] for row in csv.DictReader(file)]


def command(shards, out, *further):
    words = {"shards": shards, "out": out, "accelerator": "cpu", "lr": 0.01, **TINY}
    flags = [word for name, value in words.items() for word in (_flag(name), str(value))]
    return [sys.executable, "-m", "lungseg.fit", *flags, *map(str, further)]


def _flag(name):
    return "--" + name.replace("_", "-")


def weights(path):
    return torch.load(path, weights_only=True)["state_dict"]


def test_same_seed_same_losses(shards, tmp_path):
    for name in ("first", "second"):
        fit(options(shards, tmp_path / name, epochs=2))
    first, second = losses(tmp_path / "first"), losses(tmp_path / "second")
    assert first == second
    assert len(set(first)) == 2


@pytest.mark.slow
def test_finds_bright_disks(shards, tmp_path):
    result = fit(options(shards, tmp_path / "run", epochs=25, lr=0.02, width=8))
    assert result["dice_case_mean"] > 0.9
    assert result["n"] == 1
    kept = json.loads((tmp_path / "run" / "result.json").read_text())
    assert kept["dice_case_mean"] == result["dice_case_mean"]
    assert "model" in kept["grid"]
    for name in ("best.ckpt", "last.ckpt", "config.yaml", "metrics.csv", "pictures"):
        assert (tmp_path / "run" / name).exists()


@pytest.mark.slow
def test_two_ranks_score_a_checkpoint_like_one_to_the_last_bit(shards, tmp_path):
    """Also where one rank has more threads than two have each, as on any machine."""
    fit(options(shards, tmp_path / "run", epochs=3, lr=0.02, width=12))
    scores = []
    for num_devices, num_threads in ((1, 2), (2, 1)):
        done = subprocess.run(
            command(
                shards,
                tmp_path / f"ranks-{num_devices}",
                *("--validate", tmp_path / "run" / "best.ckpt"),
                *("--devices", num_devices, "--width", 12, "--json"),
            ),
            env=os.environ | {"OMP_NUM_THREADS": str(num_threads)},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        scores.append(json.loads(done.stdout.splitlines()[-1]))
    assert scores[0] == scores[1]


@pytest.mark.slow
@pytest.mark.parametrize("further", [(), ("--num-workers", 2)])
def test_a_killed_training_goes_on_as_if_it_had_not_been(shards, tmp_path, further):
    """SIGKILL after the first checkpoint inside an epoch: equal weights at the end."""
    words = ("--epochs", 4, "--checkpoint-minutes", 0.0001, *further)
    subprocess.run(command(shards, tmp_path / "unbroken", *words), check=True, timeout=200)
    process = subprocess.Popen(command(shards, tmp_path / "killed", *words))
    while not (tmp_path / "killed" / "last.ckpt").exists():
        time.sleep(0.01)
        assert process.poll() is None
    time.sleep(np.random.default_rng(os.getpid()).uniform(0, 0.3))
    process.send_signal(signal.SIGKILL)
    process.wait()
    again = command(shards, tmp_path / "killed", *words, "--resume")
    subprocess.run(again, check=True, timeout=200)
    one, other = (weights(tmp_path / name / "last.ckpt") for name in ("unbroken", "killed"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert losses(tmp_path / "unbroken")[-1] == losses(tmp_path / "killed")[-1]


def test_a_run_is_not_started_over_another(shards, tmp_path):
    (tmp_path / "config.yaml").write_text("")
    with pytest.raises(TrainingError, match="--resume"):
        fit(options(shards, tmp_path, epochs=1))


def test_resuming_without_a_checkpoint_says_so(shards, tmp_path):
    with pytest.raises(TrainingError, match=r"last\.ckpt"):
        fit(options(shards, tmp_path / "none", epochs=1, resume=True))
    assert not (tmp_path / "none").exists()


def test_a_fold_that_does_not_exist_is_named(shards, tmp_path):
    with pytest.raises(TrainingError, match=r"folds \[0, 1, 2, 3, 4\]"):
        fit(options(shards, tmp_path / "none", fold=9))


def test_devices_that_cannot_be_had_are_said(shards, tmp_path):
    given = FitOptions(shards=str(shards), out=tmp_path / "x", devices=4, accelerator="gpu", **TINY)
    with pytest.raises(TrainingError, match="--devices 4"):
        fit(given)
    assert not (tmp_path / "x").exists()


def test_shards_that_changed_are_refused_on_resume(shards, tmp_path):
    data = SliceData(open_shards(shards), options(shards, tmp_path))
    state = data.state_dict() | {"manifest_sha256": "0" * 64}
    with pytest.raises(TrainingError, match="changed"):
        data.load_state_dict(state)
