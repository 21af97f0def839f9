"""One training loop in a process of its own, round by round as fit.py asks for them.

    python benchmarks/fit_loops.py NAME FOLDER SETTINGS

SETTINGS is JSON of `Settings`. Each line on standard input is a round: some steps to warm up, then
the steps that count, whose figures are a line of JSON. The end of the input ends the loop.
"""

import contextlib
import dataclasses
import functools
import itertools
import json
import logging
import sys
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from fit_changes import LOW, SPAN, with_albumentations, with_monai
from fit_data import weights
from fit_rounds import Rounds
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

from lungseg.models.build import build_net
from lungseg.options.fit import FitOptions
from lungseg.training.data import num_workers
from lungseg.training.machine.cost import step_cost
from lungseg.training.run import fit
from shards.console.groups import flat_values


@dataclasses.dataclass(frozen=True)
class Settings:
    width: int
    depth: int
    norm: str
    up: str
    size: int
    batch: int
    slices: int
    warm: int
    steps: int
    workers: int | str
    device: str
    augment_on: str = "auto"

    @property
    def channels(self) -> list[int]:
        return [self.width * 2**level for level in range(self.depth)]

    def options(self, folder: Path, out: Path, **further) -> FitOptions:
        """Ours: what `python -m lungseg.fit` does by itself, of this net and batch, on one slice
        and without transplants."""
        return FitOptions.of(
            shards=str(folder / "shards"),
            out=out,
            neighbors=1,
            channels=tuple(self.channels),
            norm=self.norm,
            up=self.up,
            batch_size=self.batch,
            augment="full",
            transplant=0.0,
            augment_on=self.augment_on,
            fold="none",
            epochs=1,
            devices=1,
            accelerator="cpu" if self.device == "cpu" else "gpu",
            num_workers=self.workers,
            checkpoint_minutes=1000.0,
            **further,
        )


class InFit(pl.Callback):
    """Rounds inside of `lungseg.fit`."""

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds

    def on_train_epoch_start(self, *_) -> None:
        self._rounds.fetching()

    def on_train_batch_start(self, *_) -> None:
        self._rounds.stepping()

    def on_train_batch_end(self, *_) -> None:
        self._rounds.stepped()
        self._rounds.fetching()


def ours(folder: Path, settings: Settings, **further) -> None:
    options = settings.options(folder, folder / f"run{''.join(further)}", **further)
    rounds = Rounds(settings, _flops(build_net(flat_values(options)), settings))
    fit(options, callbacks=[InFit(rounds)])


def tutorial(folder: Path, settings: Settings) -> None:
    """Files of numpy, albumentations, float32, Adam, cross-entropy; our net."""
    net = build_net(flat_values(settings.options(folder, folder)))
    loss = torch.nn.BCEWithLogitsLoss()
    loader = _loader(_Files(folder / "files", settings), settings)
    optimizer = torch.optim.Adam(net.parameters(), 1e-4)
    _train(net, loss, optimizer, loader, settings, half=False)


def monai(folder: Path, settings: Settings) -> None:
    """BasicUNet, CacheDataset, MONAI's transforms, Dice and cross-entropy, 16 bits on a GPU."""
    from monai.data import CacheDataset
    from monai.losses import DiceCELoss
    from monai.networks.nets import BasicUNet

    if settings.depth != 5:
        raise SystemExit("BasicUNet has 5 levels: give --depth 5")
    channels = settings.channels
    net = BasicUNet(2, 1, 1, features=(*channels, channels[0]))
    files = [
        {name: str(folder / "files" / f"{number}.{name}.npy") for name in ("ct", "mask")}
        for number in range(settings.slices)
    ]
    data = CacheDataset(files, with_monai(settings.size), num_workers=2, progress=False)
    optimizer = torch.optim.AdamW(net.parameters(), 1e-3)
    loader = _loader(data, settings)
    loss = DiceCELoss(sigmoid=True, batch=True)
    _train(net, loss, optimizer, loader, settings, half=settings.device != "cpu")


class _Files(Dataset):
    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder, self._count = folder, settings.slices
        self._change = with_albumentations()

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> dict[str, torch.Tensor]:
        image, mask = (np.load(self._folder / f"{number}.{kind}.npy") for kind in ("ct", "mask"))
        unit = ((image - LOW) / SPAN)[..., None].astype(np.float32)
        changed = self._change(image=unit, mask=mask)
        image = np.ascontiguousarray(changed["image"][..., 0]) * np.float32(SPAN) + np.float32(LOW)
        return {
            "ct": torch.from_numpy(image[None]),
            "mask": torch.from_numpy(changed["mask"])[None],
        }


def _loader(data: Dataset, settings: Settings) -> DataLoader:
    """Half of the draws with tumor, and as many processes as ours may have."""
    sampler = WeightedRandomSampler(weights(settings.slices), settings.slices)
    return DataLoader(
        data,
        settings.batch,
        sampler=sampler,
        num_workers=num_workers(settings.workers, 1),
        drop_last=True,
        pin_memory=settings.device != "cpu",
        worker_init_fn=_one_thread,
    )


def _one_thread(worker: int) -> None:
    import cv2

    del worker
    cv2.setNumThreads(0)
    torch.set_num_threads(1)


def _train(net, loss, optimizer, loader, settings: Settings, *, half: bool) -> None:
    """Lightning's loop without Lightning: the loss is read after each step, to be shown."""
    rounds = Rounds(settings, _flops(net, settings))
    device = torch.device(settings.device)
    net.to(device).train()
    batches = itertools.chain.from_iterable(itertools.repeat(loader))
    while True:
        rounds.fetching()
        batch = next(batches)
        image, mask = (batch[key].to(device, non_blocking=True) for key in ("ct", "mask"))
        rounds.stepping()
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            logits = net(image.as_subclass(torch.Tensor))
        value = loss(logits.float(), mask.as_subclass(torch.Tensor).float())
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        value.item()
        rounds.stepped()


def _flops(net: torch.nn.Module, settings: Settings) -> int | None:
    """Operations of a step of one slice."""
    cost = step_cost(net, (1, 1, settings.size, settings.size), half=False)
    return None if cost is None else cost.flops


LOOPS = {
    "ours": ours,
    "compiled": functools.partial(ours, compile=True),
    "channels-last": functools.partial(ours, channels_last="yes"),
    "tutorial": tutorial,
    "monai": monai,
}

if __name__ == "__main__":
    logging.disable(logging.WARNING)
    with contextlib.redirect_stdout(sys.stderr):  # what libraries print is no figure
        LOOPS[sys.argv[1]](Path(sys.argv[2]), Settings(**json.loads(sys.argv[3])))
