"""A training is the same on any device: its slices, its precision, its way on from a checkpoint."""

import pytest
import torch
from pytorch_lightning.callbacks import Callback

from lungseg.training.run import fit
from tests.toy_training import Seen, slices_of_steps, table, weights


class Losses(Callback):
    """Keeps the loss of each step, and what the first convolution computes in."""

    def __init__(self):
        self.of_steps, self.kinds = [], set()

    def on_train_start(self, trainer, pl_module):
        convolution = next(pl_module.net.down[0].children())
        convolution.register_forward_hook(lambda *given: self.kinds.add(given[-1].dtype))
        self.device = pl_module.device.type

    def on_train_end(self, trainer, pl_module):
        self.metrics = dict(trainer.callback_metrics)

    def on_train_batch_end(self, trainer, pl_module, outputs, *_):
        self.of_steps.append(outputs["loss"].detach().float().cpu())


def losses(options):
    seen = Losses()
    fit(options, callbacks=[seen])
    return seen


def test_half_precision_computes_in_16_bits_keeps_32_and_learns_the_same(
    device, options_on, tmp_path
):
    given = {"epochs": 2, "fold": "none", "schedule": "constant", "augment": "none"}
    half = losses(options_on(tmp_path / "half", precision="bf16", **given))
    whole = losses(options_on(tmp_path / "whole", precision="32", **given))
    assert (half.device, half.kinds, whole.kinds) == (device, {torch.bfloat16}, {torch.float32})
    assert ("train/gpu_gb" in half.metrics) == (device == "cuda")
    kept = weights(tmp_path / "half/last.ckpt").values()
    assert {value.dtype for value in kept if value.is_floating_point()} == {torch.float32}
    torch.testing.assert_close(half.of_steps[0], whole.of_steps[0], rtol=0.02, atol=0)
    torch.testing.assert_close(
        torch.stack(half.of_steps).mean(), torch.stack(whole.of_steps).mean(), rtol=0.1, atol=0
    )


@pytest.mark.parametrize("augment", ["none", "full"])
def test_a_training_that_goes_on_sees_the_slices_of_the_unbroken_one(options_on, tmp_path, augment):
    given = {"schedule": "constant", "precision": "32", "augment": augment, "ema": 0.9}
    notes = {name: tmp_path / f"{name}.txt" for name in ("whole", "parts")}
    fit(options_on(tmp_path / "whole", epochs=2, **given), callbacks=[Seen(notes["whole"])])
    for epochs, resume in ((1, False), (2, True)):
        begun = options_on(tmp_path / "parts", epochs=epochs, resume=resume, **given)
        fit(begun, callbacks=[Seen(notes["parts"])])
    assert slices_of_steps(notes["parts"]) == slices_of_steps(notes["whole"])
    one, other = (table(tmp_path / name) for name in ("whole", "parts"))
    assert [row["epoch"] for row in one] == [row["epoch"] for row in other] == ["1", "2"]
    for row, same in zip(one, other, strict=True):
        for name, value in row.items():
            assert float(same[name]) == pytest.approx(float(value), rel=1e-3, abs=1e-4), name


class Batches(Callback):
    """Keeps the slices of each step as the net gets them."""

    def __init__(self):
        self.kept = []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.kept.append((batch["image"].cpu(), batch["mask"].cpu()))


@pytest.mark.parametrize(
    "given", [{"augment": "none"}, {"augment": "full", "augment_on": "device"}]
)
def test_the_net_gets_the_slices_that_a_processor_would_give_it(options_on, tmp_path, given):
    """Memory that is copied to a device is not used again before the copy is done."""
    found, expected = Batches(), Batches()
    given = given | {"epochs": 2, "fold": "none"}
    fit(options_on(tmp_path / "there", **given), callbacks=[found])
    fit(options_on(tmp_path / "here", **given, accelerator="cpu"), callbacks=[expected])
    assert len(found.kept) == len(expected.kept) > 0
    for (image, mask), (same, same_mask) in zip(found.kept, expected.kept, strict=True):
        assert ((image - same).abs() > 1e-3).float().mean() < 1e-4
        assert (mask != same_mask).float().mean() < 1e-3
