"""A training is reproducible, scores the same on any ranks, and says what it cannot do."""

import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch

from lungseg.errors import TrainingError
from lungseg.inference.model_file import load_model
from lungseg.models.imported import NetError
from lungseg.options.fit import FitOptions
from lungseg.training.run import fit, validate
from shards.errors import StoreError
from shards.reading.reader import SliceReader
from shards.storage.store import open_shards
from shards.storage.target import locked, open_target
from tests.toy_training import equal, flags, options, table, weights


def losses(out):
    return [row["train/loss"] for row in table(out)]


def test_same_seed_same_losses(shards, tmp_path):
    for name in ("first", "second"):
        fit(options(shards, tmp_path / name, epochs=2))
    first, second = losses(tmp_path / "first"), losses(tmp_path / "second")
    assert first == second
    assert len(set(first)) == 2


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_finds_bright_disks(shards, tmp_path, precision):
    given = {"epochs": 25, "lr": 0.02, "width": 8, "precision": precision}
    result = fit(options(shards, tmp_path / "run", **given))
    assert result["dice_case_mean"] > 0.9
    assert result["n"] == 1
    kept = json.loads((tmp_path / "run" / "result.json").read_text())
    assert kept["dice_case_mean"] == result["dice_case_mean"]
    assert "model" in kept["grid"]
    for name in ("best.ckpt", "last.ckpt", "config.yaml", "metrics.csv", "pictures"):
        assert (tmp_path / "run" / name).exists()


def scored(shards, out, *, num_threads, **given):
    """What a process of its own prints as the scores of a checkpoint."""
    done = subprocess.run(
        [sys.executable, "-m", "lungseg.fit", *flags(shards, out, **given), "--json"],
        env=os.environ | {"OMP_NUM_THREADS": str(num_threads)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def scored_here(shards, out, checkpoint, num_threads, **given):
    """The same by this process."""
    before = torch.get_num_threads()
    torch.set_num_threads(num_threads)
    try:
        return json.loads(json.dumps(validate(options(shards, out, **given), checkpoint)))
    finally:
        torch.set_num_threads(before)


def dice_of_whole_scans(shards, checkpoint):
    """Dice per case from counts in numpy, each slice alone through the net."""
    model, read = load_model(checkpoint), open_shards(shards)
    reader, found = SliceReader(read, neighbors=model.neighbors), {}
    for case in model.validation_cases:
        images, masks = reader.read(np.flatnonzero(read.index.case == read.index.cases.index(case)))
        with torch.inference_mode():
            logits = torch.cat([model.net(model.view(image)) for image in images.split(1)])
        tumor, truth = logits.numpy() >= 0, masks.numpy() > 0
        total = int(tumor.sum()) + int(truth.sum())
        found[case] = 2 * int((tumor & truth).sum()) / total if total else None
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("norm", "epochs", "devices"), [("instance", 3, 2), ("batch", 8, 3)])
def test_any_ranks_threads_workers_and_batches_score_a_checkpoint_as_numpy_does(
    shards, tmp_path, norm, epochs, devices
):
    """To the last bit, also where one rank has more threads than several have each."""
    cases = {"width": 12, "norm": norm, "validation_cases": ("lung_000", "lung_003")}
    fit(options(shards, tmp_path / "run", epochs=epochs, lr=0.02, **cases))
    words = {"width": 12, "norm": norm, "config": tmp_path / "run" / "config.yaml"}
    checkpoint = tmp_path / "run" / "best.ckpt"
    alone = [
        scored_here(shards, tmp_path / str(num_threads), checkpoint, num_threads, **given, **cases)
        for num_threads, given in (
            (2, {"num_workers": 0, "batch_size": 7}),
            (1, {"num_workers": 2, "batch_size": 1}),
        )
    ]
    several = {"devices": devices, "num_workers": 2, "batch_size": 4, "validate": checkpoint}
    together = scored(shards, tmp_path / "together", num_threads=1, **words, **several)
    assert alone[0]["dice_per_case"] == dice_of_whole_scans(shards, checkpoint)
    assert 0 < alone[0]["dice_case_mean"] < 1
    assert alone[0] == alone[1] == together


def test_a_fold_that_does_not_exist_is_named(shards, tmp_path):
    with pytest.raises(TrainingError, match=r"folds \[0, 1, 2, 3, 4\]"):
        fit(options(shards, tmp_path / "none", fold=9))


def test_devices_that_cannot_be_had_are_said(shards, tmp_path):
    with pytest.raises(TrainingError, match="--devices 4"):
        fit(options(shards, tmp_path / "x", devices=4, accelerator="gpu"))
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("oversample", ["nan", "inf", "-1", "0"])
def test_an_oversampling_that_is_none_is_refused(tmp_path, oversample):
    with pytest.raises(ValueError, match="--oversample must be auto or above 0"):
        FitOptions.of(shards="x", out=tmp_path, oversample=float(oversample))


def test_a_batch_that_devices_cannot_share_is_refused(shards, tmp_path):
    with pytest.raises(TrainingError, match=r"--batch-size .* got 1 for 2 devices"):
        fit(options(shards, tmp_path / "x", batch_size=1, devices=2))
    assert not (tmp_path / "x").exists()


def test_a_secret_of_the_url_lies_in_no_file_of_the_run(shards, tmp_path, serve):
    url = serve(shards).url.replace("://", "://someone:hush@") + "?signature=hush"
    fit(options(url, tmp_path / "run", epochs=1, cache=tmp_path / "cache"))
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert {"config.yaml", "hparams.yaml", "last.ckpt"} <= {path.name for path in files}
    for path in files:
        assert b"hush" not in path.read_bytes(), path
        for name in zipfile.ZipFile(path).namelist() if zipfile.is_zipfile(path) else ():
            assert b"hush" not in zipfile.ZipFile(path).read(name), path


@pytest.mark.parametrize("order", ["exact", "windowed"])
def test_workers_do_not_change_what_is_learned(shards, tmp_path, order):
    given = {"epochs": 2, "draw": "balanced", "order": order, "window_shards": 2}
    for num_workers in (0, 2):
        fit(options(shards, tmp_path / str(num_workers), num_workers=num_workers, **given))
        assert len(table(tmp_path / str(num_workers))) == 2
    assert equal(*(weights(tmp_path / name / "last.ckpt") for name in ("0", "2")))


KINDS = {
    "deep": {"depth": 3, "deep_supervision": True, "residual": True, "dropout": 0.2},
    "windows": {"neighbors": 3, "hu_window": [[-1000, 400], [-160, 240]], "up": "bilinear"},
    "tversky": {
        "loss": "focal_tversky",
        "convolutions": 1,
        "channels": [4, 6],
        "width": 32,  # as if neither were given: they exclude channels
        "depth": 5,
    },
    "squares": {"crop_px": 16, "neighbors": 3},
    "of the user": {
        "net": "torch.nn:Conv2d",
        "net_args": ["out_channels=1", "kernel_size=3", "padding=1"],
        "neighbors": 3,
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_trained_net_scores_after_loading_what_it_did_in_training(shards, tmp_path, kind):
    """Whatever the net is and sees: the checkpoint is enough to predict."""
    out = tmp_path / "run"
    result = fit(options(shards, out, epochs=2, lr=0.02, augment_on="device", **KINDS[kind]))
    model, read = load_model(out / "best.ckpt"), open_shards(shards)
    reader = SliceReader(read, neighbors=model.neighbors)
    scores = []
    for case in model.validation_cases:
        rows = np.flatnonzero(read.index.case == read.index.cases.index(case))
        images, masks = reader.read(rows)
        with torch.no_grad():
            found = model.probability(images) >= model.threshold
        truth = masks[:, 0] > 0
        scores.append(2 * float((found & truth).sum()) / max(1, float(found.sum() + truth.sum())))
    assert np.mean(scores) == pytest.approx(result["dice_case_mean"], abs=0.01)


def test_a_net_too_deep_for_the_slices_is_refused_before_training(shards, tmp_path):
    with pytest.raises(NetError, match="9 levels are too many"):
        fit(options(shards, tmp_path / "x", depth=9))
    with pytest.raises(NetError, match="--crop-px 64 is more than slices of 32 x 32"):
        fit(options(shards, tmp_path / "x", crop_px=64))
    assert not (tmp_path / "x").exists()


def test_a_net_that_is_none_is_refused_before_training(shards, tmp_path):
    with pytest.raises(NetError, match="must make logits"):
        fit(options(shards, tmp_path / "x", net="torch.nn:Identity", neighbors=3))
    assert not (tmp_path / "x").exists()


def test_a_training_that_finds_nothing_better_ends_early_and_says_so(shards, tmp_path, caplog):
    caplog.set_level("INFO")
    fit(options(shards, tmp_path, epochs=9, patience=1, lr=1e-9))
    assert len(table(tmp_path)) == 2
    assert "no better Dice in 1 validations: the training ends after epoch 2 of 9" in caplog.text


def test_a_training_learns_the_same_in_either_order_of_memory(shards, tmp_path):
    for wanted in ("yes", "no"):
        given = {"epochs": 1, "channels_last": wanted, "ema": 0.9}
        fit(options(shards, tmp_path / wanted, **given))
    one, other = (weights(tmp_path / name / "last.ckpt") for name in ("yes", "no"))
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_one_training_at_a_time_writes_to_a_folder(shards, tmp_path):
    out = tmp_path / "out"
    with (
        locked(open_target(str(out))),
        pytest.raises(StoreError, match="one job may write"),
    ):
        fit(options(shards, out, epochs=1))
    assert not out.exists()
    fit(options(shards, out, epochs=1))
