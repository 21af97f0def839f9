"""What a training can be told: the options of `python -m lungseg.fit`."""

import dataclasses
import math
from pathlib import Path
from typing import Literal

from shards.console.command import Options

LOSSES: tuple["Loss", ...] = ("bce", "dice", "bce_dice")

Loss = Literal["bce", "dice", "bce_dice"]
Norm = Literal["instance", "batch", "group", "none"]
Augmentation = Literal["none", "light", "full"]
Precision = Literal["auto", "32", "bf16", "16"]
Accelerator = Literal["auto", "cpu", "gpu"]
Loader = Literal["index", "webdataset"]
Draw = Literal["weighted", "balanced"]
Order = Literal["exact", "windowed"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingOptions(Options):
    """What trainings that are compared with each other have in common: data, net and effort."""

    shards: str
    """Folder (or URL) of the shards that `python -m ingest build-shards` wrote. What a run leaves
    names a URL without password and signature: give it again with --config or --resume."""
    cache: Path | None = None
    """Folder for local copies of a URL's shards, which processes and trainings share; by default
    lungseg/shards in ~/.cache."""
    cache_gb: float | None = None
    """Room for the copies in that folder, in GB: the least recently used make room for new ones."""
    loader: Loader = "index"
    """How training slices are read. index: in the exact order of the plan, a URL's shards through
    the cache. webdataset: whole shards one after the other, without index and cache (validation
    still uses both); the share of slices with tumor is the same on average, but which slices an
    epoch has is not exact, depends on devices and workers, and a resumed training does not go on at
    the very next slice."""
    accelerator: Accelerator = "auto"
    """Kind of device; auto takes GPUs where there are any."""
    fold: int = 0
    """Fold of cases to validate on; the model is trained on the other folds."""
    epochs: int = 30
    """Epochs; one draws as many slices as the training cases have."""
    batch_size: int = 32
    """Slices per step, over all devices together."""
    draw: Draw = "weighted"
    """weighted: slices are drawn with replacement, as torch's WeightedRandomSampler does. balanced:
    without; any two slices with tumor are seen equally often in an epoch, or once more, and those
    without take turns over the epochs."""
    order: Order = "exact"
    """exact: slices come in the order of the draws. windowed: the same draws, arranged so that only
    --window shards are needed at a time, for a URL whose shards do not all fit in --cache-gb; each
    is fetched once an epoch."""
    window: int = 64
    """Shards that a windowed order mixes; --cache-gb must hold twice as many."""
    augment: Augmentation = "full"
    """Augmentation: none; light (flip, affine, brightness/contrast); full (also noise, elastic)."""
    width: int = 32
    """Channels of the U-Net's first level; they double per level, up to 512."""
    depth: int = 5
    """Levels of the U-Net, the first one included."""
    norm: Norm = "instance"
    """Normalization after each convolution."""
    neighbors: Literal[1, 3, 5] = 1
    """Neighboring slices that the net sees as channels, the slice itself included."""
    threshold: float = 0.5
    """Probability from which a pixel is tumor."""
    seed: int = 0
    """Seed of weights, order and augmentation."""
    num_workers: int | Literal["auto"] = "auto"
    """Processes per device that augment; auto: the cores that training leaves, at most 8; 0: a
    thread. Slices that are not augmented are read by threads."""
    precision: Precision = "auto"
    """Floating point in training; auto: bf16 on GPUs that have it, else 32 bits."""
    checkpoint_minutes: float = 10.0
    """Minutes between writes of last.ckpt inside an epoch; it is written after each epoch too."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "width", "depth", "checkpoint_minutes"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{_flag(name)} must be above 0, got {getattr(self, name)}")
        if self.num_workers != "auto" and self.num_workers < 0:
            raise ValueError(f"--num-workers must be auto or at least 0, got {self.num_workers}")
        if self.cache_gb is not None and not self.cache_gb > 0:
            raise ValueError(f"--cache-gb must be above 0, got {self.cache_gb}")
        if self.loader == "webdataset" and (self.draw, self.order) != ("weighted", "exact"):
            raise ValueError("--draw balanced and --order windowed need --loader index")
        if not 0 < self.threshold < 1:
            raise ValueError(f"--threshold must lie between 0 and 1, got {self.threshold}")
        if self.fold < 0 or self.seed < 0:
            raise ValueError(f"--fold and --seed start at 0, got {self.fold} and {self.seed}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class FitOptions(TrainingOptions):
    """Train a U-Net on the slices of a shard set and keep the checkpoint with the best Dice."""

    out: Path
    """Folder for checkpoints, logs and the result; it must not hold a run yet, except to resume."""
    devices: int | Literal["auto"] = "auto"
    """How many devices of this machine train together (DDP on one node, not several): GPUs where
    there are any, else CPU processes."""
    lr: float = 1e-3
    """Highest learning rate of AdamW; it warms up over 5 % of the steps, then falls as a cosine."""
    loss: Loss = "bce_dice"
    """Loss: binary cross-entropy, soft Dice over the batch, or their sum."""
    oversample: float | Literal["auto"] = "auto"
    """How many times as likely a slice with tumor is drawn as one without; auto: half of the draws
    show tumor, 1: no oversampling."""
    resume: bool = False
    """Go on from last.ckpt in --out, at the very next batch. What decides the training must be as
    it was, --epochs included (it shapes the learning rate), which --config OUT/config.yaml sees to;
    --devices, --accelerator, --num-workers, --checkpoint-minutes, --cache, --cache-gb and the place
    of the same shards may change."""
    validate: Path | None = None
    """Only score this checkpoint on the validation cases; leaves validation.json in --out."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.lr > 0:
            raise ValueError(f"--lr must be above 0, got {self.lr}")
        for name, least in (("oversample", 0), ("devices", 1)):
            value = getattr(self, name)
            if value != "auto" and not least <= value < math.inf:
                raise ValueError(f"{_flag(name)} must be auto or at least {least}, got {value}")


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
