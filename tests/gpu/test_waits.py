"""No step waits for the device that it runs on: what comes next is on its way meanwhile."""

import contextlib
import itertools
import types

import pytest
import torch
from torch.nn.utils import clip_grad_norm_
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lungseg.options.loss import LOSSES
from lungseg.training.callbacks.epoch_loss import EpochLoss
from lungseg.training.callbacks.moving_average import MovingAverage
from lungseg.training.data import SliceData
from lungseg.training.module import LungSegmenter
from lungseg.training.optimizer import build_optimizer
from shards.storage.store import open_shards
from tests.toy_shards import make_shards
from tests.toy_training import options

NO_NUMBERS = "meta"  # a device whose numbers cannot be asked for, in place of a GPU
MAKES = {torch.tensor, torch.as_tensor, torch.Tensor.new_tensor}
KINDS = {
    **{loss: {"loss": loss, "pos_weight": 3.0} for loss in LOSSES},
    "deep": {"depth": 3, "deep_supervision": True, "residual": True, "dropout": 0.2},
    "windows": {"neighbors": 5, "hu_window": [[-1000, 400], [-160, 240]], "up": "bilinear"},
    "squares": {"crop_px": 16, "norm": "instance"},
    "parts": {"accumulate": 2, "norm": "group"},
    "sgd": {"optimizer": "sgd", "hu_scaling": "signed"},
}


@pytest.fixture(scope="module")
def chests(tmp_path_factory):
    """Shards whose slices have air within a wall, so that tumors may travel there."""
    return make_shards(tmp_path_factory.mktemp("chests"), wall=2)


class NothingIsMade(TorchFunctionMode):
    """Refuses to make tensors of numbers anywhere but on the processor: each is sent by itself."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        made = func(*args, **kwargs or {})
        if func in MAKES and made.device.type == NO_NUMBERS:
            raise AssertionError(f"{func} sends a number and waits for it")
        return made


class NothingIsSent(TorchDispatchMode):
    """Refuses copies between processor and device, but those that nobody waits for."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        tensors = [one for one in tree_leaves((args, result)) if isinstance(one, torch.Tensor)]
        if len({one.device.type for one in tensors if one.dim()}) > 1:
            non_blocking = kwargs.get("non_blocking") or (len(args) > 2 and args[2])
            if "copy" not in func.name() or not non_blocking:
                raise AssertionError(f"{func} waits for the device")
        return result


@contextlib.contextmanager
def no_wait(device):
    if device == NO_NUMBERS:
        with NothingIsMade(), NothingIsSent():
            yield
        return
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


class Training:
    """What a trainer does in a step."""

    def __init__(self, options, device):
        self.data = SliceData(open_shards(options.data.shards), options)
        self.module = LungSegmenter(options, self.data)
        self.module.log = lambda *_, **__: None
        self.device, self.global_step = torch.device(device), 0
        self.world_size = self.num_devices = 1
        self.global_rank = 0
        self.strategy = types.SimpleNamespace(root_device=self.device)
        self.data.trainer = self.module.trainer = self
        self.beside = [EpochLoss(), MovingAverage(0.9)]
        for callback in self.beside:
            callback.setup(self, self.module, "fit")
        self.module.to(device)
        for callback in self.beside:
            callback.on_fit_start(self, self.module)
            callback.on_train_start(self, self.module)
        fused = device == "cuda"
        self.optimizers = [build_optimizer(self.module.parameters(), options.step, fused=fused)]

    def step(self, batch, number):
        batch = self.data.on_before_batch_transfer(batch, 0)
        batch = self.module.transfer_batch_to_device(batch, self.device, 0)
        batch = self.data.on_after_batch_transfer(batch, 0)
        half = self.device.type == "cuda"
        with torch.autocast("cuda", torch.bfloat16) if half else contextlib.nullcontext():
            loss = self.module.training_step(batch, number)
        loss.backward()
        clip_grad_norm_(self.module.parameters(), 1.0)
        self.optimizers[0].step()
        self.optimizers[0].zero_grad()
        self.global_step += 1
        for callback in self.beside:
            callback.on_train_batch_end(self, self.module, {"loss": loss}, batch, number)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "waited_for", [NO_NUMBERS, pytest.param("cuda", marks=pytest.mark.gpu)], ids=str
)
def test_no_step_waits(waited_for, kind, chests, tmp_path):
    given = {"augment": "full", "transplant": 0.5, "batch_size": 26, "augment_on": "device"}
    training = Training(options(chests, tmp_path, **given, **KINDS[kind]), waited_for)
    batches = list(itertools.islice(training.data.train_dataloader(), 2))
    assert len(batches) == 2
    training.step(batches[0], 0)  # which finds out what is fastest, and may wait
    with no_wait(waited_for):
        training.step(batches[1], 1)
