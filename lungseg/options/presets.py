"""Options under one name, for `--preset`: what they set, other flags and files still change."""

from collections.abc import Mapping
from typing import Any, Literal

Preset = Literal["default", "small", "tutorial"]

DISPLACED_BY: Mapping[str, tuple[str, ...]] = {"channels": ("width", "depth")}
"""Options of a preset that others, where those are given, stand in the place of."""

PRESETS: Mapping[Preset, Mapping[str, Any]] = {
    "default": {},
    "small": {
        "channels": [16, 16, 32, 64, 128],
        "crop_px": 96,
        "augment": "light",
        "lr": 3e-3,
        "batch_size": 8,
        "epochs": 20,
    },
    "tutorial": {
        "net": "unet",
        "channels": [64, 128, 256, 512],
        "convolutions": 2,
        "norm": "none",
        "up": "bilinear",
        "neighbors": 1,
        "hu_scaling": "recipe",
        "loss": "bce",
        "transplant": 0.0,
        "draw": "weighted",
        "oversample": "auto",
        "optimizer": "adam",
        "lr": 1e-4,
        "schedule": "constant",
        "warm_up": 0.0,
        "weight_decay": 0.0,
        "clip": None,
        "batch_size": 8,
        "epochs": 30,
    },
}
"""default: what the options say by themselves. small: for processors and slices of 2 mm a pixel
(build-shards --pixel-mm 2 --size 160), as measured on patients that were left out. tutorial: the
training of a notebook that many lung-tumor U-Nets on slices go back to: no normalization, Adam,
cross-entropy, half of the draws with tumor, as torch's WeightedRandomSampler draws them. What is
not named there, such as augmentation, is as in default."""
