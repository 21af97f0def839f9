"""A checkpoint holds all that prediction needs; a step is logged with its rate; Dice is counted."""

import torch
from pytorch_lightning.callbacks import Callback

from lungseg.inference.model_file import load_model
from lungseg.models.tiles import Tiles
from lungseg.training.run import fit
from shards.storage.store import open_shards
from tests.toy_training import options


def test_a_checkpoint_says_what_it_was_made_of(shards, finished):
    kept = torch.load(finished / "best.ckpt", weights_only=True)["hyper_parameters"]
    ours, manifest = kept["lungseg"], open_shards(shards).manifest
    assert ours["recipe"] == manifest.recipe
    assert ours["validation_cases"] == ["lung_000"]
    assert ours["training_cases"] == ["lung_001", "lung_002", "lung_003", "lung_004"]
    assert (kept["width"], kept["loss"], ours["threshold"]) == (4, "bce_dice", 0.5)
    assert ours["manifest_sha256"] == open_shards(shards).manifest_sha256


class Scored(Callback):
    def __init__(self):
        self.seen = []

    def on_validation_batch_end(self, trainer, pl_module, outputs, batch, *_):
        self.seen.append((batch["image"].clone(), outputs.clone(), pl_module(batch["image"])))


def test_a_net_trained_on_squares_is_scored_as_its_checkpoint_predicts(shards, tmp_path):
    scored = Scored()
    fit(options(shards, tmp_path, epochs=1, crop_px=16, norm="instance"), callbacks=[scored])
    net = load_model(tmp_path / "best.ckpt").net
    assert isinstance(net, Tiles)
    for image, logits, by_module in scored.seen:
        with torch.no_grad():
            expected = net(image)
        torch.testing.assert_close(logits, expected)
        torch.testing.assert_close(by_module, expected)


class Logged(Callback):
    def __init__(self):
        self.steps = []

    def on_train_batch_end(self, trainer, pl_module, outputs, *_):
        found = trainer.callback_metrics
        self.steps.append((found["train/loss"].item(), outputs["loss"].item(), found["lr"].item()))

    def on_validation_end(self, trainer, pl_module):
        self.threads = torch.get_num_threads()
        self.scores = trainer.callback_metrics, pl_module.scores


def test_a_step_logs_its_loss_and_its_rate_and_an_epoch_its_scores(shards, tmp_path):
    logged, threads = Logged(), torch.get_num_threads()
    fit(options(shards, tmp_path, epochs=1, schedule="constant"), callbacks=[logged])
    assert all(loss == own for loss, own, _ in logged.steps)
    assert all(abs(rate - 1e-3) < 1e-9 for *_, rate in logged.steps)
    metrics, scores = logged.scores
    assert abs(float(metrics["val/dice_case_mean"]) - scores["dice_case_mean"]) < 1e-6
    assert float(metrics["val/dice_missed"]) == scores["missed"]
    assert logged.threads == threads
