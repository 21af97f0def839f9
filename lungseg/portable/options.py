"""The options of `python -m lungseg.export`."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from shards.console.command import Options


@dataclass(frozen=True, kw_only=True)
class ExportOptions(Options):
    """Write a checkpoint as ONNX."""

    OF_ONE_RUN: ClassVar[tuple[str, ...]] = ("overwrite",)

    checkpoint: Path
    """`best.ckpt` of a training, a file or a URL."""
    out: Path
    """The file, which ends in .onnx; it appears when it was checked."""
    overwrite: bool = False
    """Replace the file if it is there."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.out.suffix != ".onnx":
            raise ValueError(f"--out must be a file that ends in .onnx, got {self.out}")
