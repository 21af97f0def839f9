"""Augmentation on one core: what it takes a slice, against the chain of albumentations before it.

    OMP_NUM_THREADS=1 python benchmarks/augment.py [--rounds 15] [--slices 100]

Before and now change the same slices in turn, round by round, in one process and one thread; times
are processor seconds, so that what else the machine does counts little. The way of the device is
run on the processor too, by itself: its large blocks of memory would slow the others. Before: the
transforms that `--augment` was until November 2026; its full made fewer changes than now.
"""

import argparse
import functools
import os
import platform
import statistics
import time

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import albumentations as albu
import cv2
import numpy as np
import torch

from lungseg.augment.draw import draw_slice
from lungseg.augment.on_device import augment, collate
from lungseg.augment.on_processor import Augmenter
from lungseg.augment.strength import STRENGTHS

CLIP = (-1000, 3071)
SPAN = CLIP[1] - CLIP[0]
SIZE = 256
BATCH = 20


def before(strength):
    """The augmentation of one slice before: (channels, h, w) int16 HU and mask -> both changed."""
    outside = {
        "border_mode": cv2.BORDER_CONSTANT,
        "fill": 0.0,
        "fill_mask": 0,
        "mask_interpolation": cv2.INTER_NEAREST,
    }
    transforms = [
        albu.HorizontalFlip(p=0.5),
        albu.Affine(
            scale=(0.85, 1.15),
            translate_percent=(-0.08, 0.08),
            rotate=(-15, 15),
            balanced_scale=True,
            p=0.7,
            **outside,
        ),
        albu.RandomBrightnessContrast(
            brightness_limit=80 / SPAN, contrast_limit=0.1, brightness_by_max=True, p=0.5
        ),
    ]
    if strength == "full":
        transforms += [
            albu.GaussNoise(std_range=(5 / SPAN, 40 / SPAN), per_channel=True, p=0.3),
            albu.ElasticTransform(alpha=30, sigma=6, approximate=True, p=0.2, **outside),
        ]
    compose = albu.Compose(transforms)

    def change(image, mask, position):
        draw = np.random.SeedSequence([0, 0, position])
        compose.set_random_seed(int(draw.generate_state(1)[0]))
        unit = (image.transpose(1, 2, 0).astype(np.float32) - CLIP[0]) / SPAN
        changed = compose(image=unit, mask=mask)
        hu = changed["image"].reshape(*unit.shape).transpose(2, 0, 1) * SPAN + CLIP[0]
        return np.ascontiguousarray(hu), changed["mask"]

    return change


def now(strength):
    """The augmentation of one slice as the loader does it."""
    augmenter = Augmenter(strength, clip=CLIP, seed=0)
    return lambda image, mask, position: augmenter(image, mask, epoch=0, position=position)


def one_by_one(change, images, masks, first):
    for b, (image, mask) in enumerate(zip(images, masks, strict=True)):
        change(image, mask, first + b)


def in_batches(strength, images, masks, first):
    """As for a device, but on this processor."""
    for start in range(0, len(images), BATCH):
        chosen = slice(start, start + BATCH)
        draws = [
            draw_slice(STRENGTHS[strength], seed=0, epoch=0, position=p, shape=(SIZE, SIZE))
            for p in range(first + start, first + start + len(images[chosen]))
        ]
        pixels = torch.from_numpy(images[chosen]), torch.from_numpy(masks[chosen, None])
        augment(*pixels, collate(draws), clip=CLIP)


def slices(count, channels):
    """Smooth tissue, and masks of blobs; every other one is empty, as in training."""
    rng = np.random.default_rng(0)
    planes = rng.normal(0, 6000, (count * channels, SIZE, SIZE)).astype(np.float32)
    smooth = np.stack([cv2.GaussianBlur(plane, (0, 0), 4) for plane in planes])
    images = np.clip(smooth, *CLIP).astype(np.int16).reshape(count, channels, SIZE, SIZE)
    masks = (images[:, 0] > 100).astype(np.uint8)
    masks[::2] = 0
    return images, masks


def measured(ways, *, rounds, count, channels):
    """Milliseconds a slice of each way, in each round."""
    images, masks = slices(count, channels)
    times = {name: [] for name in ways}
    for number in range(rounds + 1):  # the first one warms up
        for name, way in ways.items():
            started = time.process_time()
            way(images, masks, number * count)
            times[name].append((time.process_time() - started) / count * 1000)
    return {name: each[1:] for name, each in times.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--slices", type=int, default=100)
    given = parser.parse_args()
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()},")
    print(f"albumentations {albu.__version__}, OpenCV {cv2.__version__}, torch {torch.__version__}")
    print(f"{given.rounds} rounds of {given.slices} slices of {SIZE} x {SIZE}, ms a slice and core")
    print("| strength | channels | way | ms a slice | slices/s | times before |")
    print("|---|---|---|---|---|---|")
    for strength in ("light", "full"):
        for channels in (1, 3):
            given_to_all = {"rounds": given.rounds, "count": given.slices, "channels": channels}
            in_turn = {
                "before": functools.partial(one_by_one, before(strength)),
                "now, --augment-on cpu": functools.partial(one_by_one, now(strength)),
            }
            times = measured(in_turn, **given_to_all)
            alone = {"now, as --augment-on device": functools.partial(in_batches, strength)}
            times |= measured(alone, **given_to_all)
            report(strength, channels, times)


def report(strength, channels, times):
    base = times["before"]
    for name, each in times.items():
        median = statistics.median(each)
        ratios = sorted(b / t for b, t in zip(base, each, strict=True))
        print(
            f"| {strength} | {channels} | {name} | {median:.2f} ({min(each):.2f} to "
            f"{max(each):.2f}) | {1000 / median:.0f} | {statistics.median(ratios):.2f} "
            f"({ratios[0]:.2f} to {ratios[-1]:.2f}) |"
        )


if __name__ == "__main__":
    main()
