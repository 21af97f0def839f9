"""What a calibration can be told: the options of `python -m lungseg.calibrate`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from shards.console.command import Options
from shards.console.limits import Limits


@dataclass(frozen=True, kw_only=True)
class CalibrateOptions(Options):
    """Choose a checkpoint's threshold and rules on scans that it was not trained on."""

    OF_ONE_RUN: ClassVar[tuple[str, ...]] = ("overwrite",)

    checkpoint: Path
    """`best.ckpt` of a training, a file or a URL; it stays as it is."""
    source: Path
    """Data set with labels, as for `lungseg.evaluate`."""
    out: Path
    """The new checkpoint, a file that ends in .ckpt; what each step gained is kept in it."""
    subset: Literal["auto", "validation", "training", "test"] = "auto"
    """As for `lungseg.evaluate`; cases that the model was trained on are refused."""
    cases: tuple[str, ...] = ()
    """Use only these cases of the subset, by name."""
    average_with: tuple[Path, ...] = ()
    """More checkpoints whose probabilities are averaged with those of --checkpoint, as they will be
    in predict and evaluate; the new checkpoint is --checkpoint with what suits all together."""
    flips: bool = False
    """Average over four mirrors of each slice, as predict and evaluate will with --flips."""
    device: str = "auto"
    """`auto` (a GPU where there is one), `cpu` or, for example, `cuda:1`."""
    batch_size: Annotated[int | None, Limits(least=1, most=65536)] = None
    """Slices in one forward pass; by default 16, and 2 on the processor."""
    overwrite: bool = False
    """Replace the checkpoint of an earlier calibration."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.out.suffix != ".ckpt":
            raise ValueError(f"--out must be a file that ends in .ckpt, got {self.out}")
