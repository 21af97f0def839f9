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
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from fit_data import SCALE, weights
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

from lungseg.augment import strength as limits
from lungseg.augment.strength import STRENGTHS
from lungseg.models.build import build_net
from lungseg.options.fit import FitOptions
from lungseg.training.data import num_workers
from lungseg.training.machine.cost import step_cost
from lungseg.training.run import fit
from shards.console.groups import flat_values

LOW, HIGH = -1000 * SCALE, 1.0
SPAN = HIGH - LOW
FULL = STRENGTHS["full"]


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


class Rounds:
    """Waits for the word to begin a round, and tells what it took."""

    def __init__(self, settings: Settings, flops: int | None) -> None:
        self._settings, self._flops = settings, flops
        self._step = 0
        self._each = settings.warm + settings.steps

    def fetching(self) -> None:
        """Call before a batch is asked for."""
        in_round = self._step % self._each
        if in_round == 0 and not sys.stdin.readline():
            _leave()
        if in_round == self._settings.warm:
            self._synchronize()
            self._began, self._processor = time.monotonic(), _processor_seconds()
            self._waited = 0.0
        self._asked = time.monotonic()

    def stepping(self) -> None:
        """Call when the batch is where the net is."""
        if self._step % self._each >= self._settings.warm:
            self._waited += time.monotonic() - self._asked

    def stepped(self) -> None:
        """Call behind a step."""
        self._step += 1
        if self._step % self._each == 0:
            self._synchronize()
            seconds = time.monotonic() - self._began
            processor = _processor_seconds() - self._processor
            self._tell(seconds, processor)

    def _synchronize(self) -> None:
        if self._settings.device != "cpu":
            torch.cuda.synchronize()

    def _tell(self, seconds: float, processor: float) -> None:
        count = self._settings.steps * self._settings.batch
        told = {
            "slices_per_s": count / seconds,
            "processor_ms": 1000 * processor / count,
            "wait": self._waited / seconds,
            "memory_gb": _peak_gb(),
        }
        if self._settings.device != "cpu":
            told["gpu_gb"] = torch.cuda.max_memory_allocated() / 1e9
            told["gpu_reserved_gb"] = torch.cuda.max_memory_reserved() / 1e9
            torch.cuda.empty_cache()  # for the loop whose turn it is
        if self._flops is not None:
            told["tflops"] = self._flops * count / seconds / 1e12
        print(json.dumps(told), file=sys.__stdout__, flush=True)


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
    data = CacheDataset(files, _monai_transforms(settings.size), num_workers=2, progress=False)
    optimizer = torch.optim.AdamW(net.parameters(), 1e-3)
    loader = _loader(data, settings)
    loss = DiceCELoss(sigmoid=True, batch=True)
    _train(net, loss, optimizer, loader, settings, half=settings.device != "cpu")


class _Files(Dataset):
    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder, self._count = folder, settings.slices
        self._change = _albumentations()

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


def _albumentations():
    """The changes of `--augment full`, as often and as far."""
    import albumentations as albu
    import cv2

    cv2.setNumThreads(0)
    shift, hu = limits.MOST_SHIFT, SCALE / SPAN
    outside = {"border_mode": cv2.BORDER_CONSTANT, "fill": 0.0, "fill_mask": 0}
    return albu.Compose(
        [
            albu.HorizontalFlip(p=FULL.mirror),
            albu.Affine(
                scale=(1 / limits.MOST_ZOOM, limits.MOST_ZOOM),
                translate_percent=(-shift, shift),
                rotate=(-limits.MOST_TURN, limits.MOST_TURN),
                p=FULL.move,
                **outside,
            ),
            albu.ElasticTransform(alpha=30, sigma=6, approximate=True, p=FULL.bend, **outside),
            albu.Downscale(
                scale_range=(min(limits.RESOLUTIONS), max(limits.RESOLUTIONS)), p=FULL.coarsen
            ),
            albu.GaussianBlur(blur_limit=0, sigma_limit=limits.BLUR_PX, p=FULL.blur),
            albu.RandomBrightnessContrast(
                brightness_limit=limits.MOST_BRIGHTNESS_HU * hu,
                contrast_limit=limits.MOST_CONTRAST - 1,
                brightness_by_max=True,
                p=FULL.shade,
            ),
            albu.RandomGamma(gamma_limit=(91, 110), p=FULL.gamma),
            albu.GaussNoise(std_range=tuple(hu * each for each in limits.NOISE_HU), p=FULL.noise),
        ]
    )


def _monai_transforms(size: int):
    """The same changes by MONAI's; what comes before the random ones is cached."""
    import monai.transforms as mt

    keys, image = ("ct", "mask"), ("ct",)
    modes = ("bilinear", "nearest")
    turn = np.deg2rad(limits.MOST_TURN)
    zoom = limits.MOST_ZOOM - 1
    shade = limits.MOST_CONTRAST - 1
    hu = limits.MOST_BRIGHTNESS_HU * SCALE
    gamma = (1 / limits.MOST_GAMMA, limits.MOST_GAMMA)
    return mt.Compose(
        [
            mt.LoadImaged(keys, reader="NumpyReader"),
            mt.EnsureChannelFirstd(keys, channel_dim="no_channel"),
            mt.EnsureTyped(keys, track_meta=False),
            mt.RandFlipd(keys, prob=FULL.mirror, spatial_axis=1),
            mt.RandAffined(
                keys,
                prob=FULL.move,
                rotate_range=turn,
                scale_range=(zoom, zoom),
                translate_range=(limits.MOST_SHIFT * size,) * 2,
                mode=modes,
                padding_mode="border",
            ),
            mt.Rand2DElasticd(
                keys,
                spacing=(16, 16),
                magnitude_range=(1, 3),
                prob=FULL.bend,
                mode=modes,
                padding_mode="border",
            ),
            mt.RandSimulateLowResolutiond(
                image,
                prob=FULL.coarsen,
                downsample_mode="nearest",
                upsample_mode="bilinear",
                zoom_range=(min(limits.RESOLUTIONS), max(limits.RESOLUTIONS)),
            ),
            mt.RandGaussianSmoothd(
                image, sigma_x=limits.BLUR_PX, sigma_y=limits.BLUR_PX, prob=FULL.blur
            ),
            mt.RandScaleIntensityd(image, factors=shade, prob=FULL.shade),
            mt.RandShiftIntensityd(image, offsets=hu, prob=FULL.shade),
            mt.RandAdjustContrastd(image, prob=FULL.gamma, gamma=gamma),
            mt.RandGaussianNoised(image, prob=FULL.noise, std=limits.NOISE_HU[1] * SCALE),
        ]
    )


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


def _children() -> list[int]:
    return [child.pid for child in torch.multiprocessing.active_children()]


def _processor_seconds() -> float:
    """Of this process, all its threads, and its loader processes."""
    ticks = os.sysconf("SC_CLK_TCK")
    seconds = time.process_time()
    for pid in _children():
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            seconds += (int(fields[11]) + int(fields[12])) / ticks
    return seconds


def _peak_gb() -> float:
    """Of this process and its loader processes; pages that they share count for each."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    for pid in _children():
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    peak += int(line.split()[1]) * 1024
    return peak / 1e9


def _leave() -> None:
    """End without the rest of the epoch, and without the loader processes."""
    for child in torch.multiprocessing.active_children():
        child.terminate()
    os._exit(0)


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
