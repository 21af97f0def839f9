"""What `python -m ingest check`, `build-shards` and `preview` can be told."""

import dataclasses
import os
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from ingest.recipe import Recipe
from ingest.splits.options import SplitOptions
from shards.console.command import Options
from shards.console.limits import SEED, Limits

_RECIPE_FIELDS = dataclasses.fields(Recipe)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReadOptions(SplitOptions, Recipe, Options):
    """What every command that reads a source of cases can be told."""

    EXCLUDING: ClassVar[tuple[tuple[str, ...], ...]] = (
        *SplitOptions.EXCLUDING,
        *Recipe.EXCLUDING,
    )

    source: Path
    """Folder with the scans: MSD layout (dataset.json, imagesTr, labelsTr), DICOM, or volumes with
    their labels beside them, such as patient/image.nii.gz and patient/mask.nii.gz."""
    window: Annotated[tuple[int, int] | None, Limits(least=-65536, most=65536)] = None
    """Center and width in HU (lung: -600 1500): keeps these values, and divides them by the width.
    Sets --clip and --scale, which it excludes."""
    workers: Annotated[int, Limits(least=0, most=1024)] = 0
    """Processes that read; 0 takes one per core."""
    case_minutes: Annotated[float, Limits(above=0, most=10_000)] = 30.0
    """Longest that reading a case may take: then it is stopped, and tried once more at the end."""
    accept_lost_tumor: bool = False
    """End with exit code 0 also if a case loses its whole tumor on its way into slices."""

    def __post_init__(self) -> None:
        """Refuse values that no command can use."""
        super().__post_init__()
        if self.window is not None:
            self._refuse_odd_window(*self.window)

    def _refuse_odd_window(self, center: int, width: int) -> None:
        low, high = _limits(center, width)
        if not -32768 <= low < high <= 32767:
            raise ValueError(
                "--window needs CENTER WIDTH with a width over 0 and limits within int16, got "
                f"{center} {width}"
            )
        for name in ("clip", "scale"):
            if getattr(self, name) is not getattr(type(self), name):  # given, if only its default
                raise ValueError(f"--window and --{name} exclude each other: leave one of them out")

    @property
    def recipe(self) -> Recipe:
        """The part of the options that decides what slices look like."""
        values = {field.name: getattr(self, field.name) for field in _RECIPE_FIELDS}
        if self.window is not None:
            values |= {"clip": _limits(*self.window), "scale": 1 / self.window[1]}
        return Recipe(**values)

    @property
    def processes(self) -> int:
        """Processes that read."""
        return self.workers or len(os.sched_getaffinity(0))


def _limits(center: int, width: int) -> tuple[int, int]:
    """Lowest and highest HU of a window."""
    low = center - width // 2
    return low, low + width


@dataclasses.dataclass(frozen=True, kw_only=True)
class Check(ReadOptions):
    """Read every scan and mask, write nothing, and say what is unfit, odd or worth a note.

    The exit code is 1 if a case is unfit, so that build-shards would leave it out, or if it would
    lose its whole tumor.
    """

    list_regions: bool = False
    """Only list the regions in the DICOM masks, with those that --roi means; reads no pixels."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BuildShards(ReadOptions):
    """Turn scans with tumor masks into a shard set: one tar per case, index and manifest.

    Run it again to go on where it was cut off: only what is missing or changed is built. A case
    that is rejected, or that loses its whole tumor, makes the exit code 1.
    """

    EXCLUDING: ClassVar[tuple[tuple[str, ...], ...]] = (
        *ReadOptions.EXCLUDING,
        ("workers", "address"),
    )

    out: str
    """Where the shard set is made: a folder, or a URL such as s3://bucket/shards."""
    address: str | None = None
    """Ray cluster to build on instead: auto for the one this machine belongs to, or host:port.
    The source and --out must be reachable from all its nodes."""
    replace: bool = False
    """Build shards of another recipe anew, where --out holds such."""
    compress: bool = False
    """Store images as .ct.npy.gz: less than half the bytes, slower to read."""
    on_error: Literal["fail", "skip"] = "fail"
    """Cases that cannot be used are named and left out; fail makes the exit code 1 then."""
    seed: Annotated[int, SEED] = 0
    """Decides which cases share a fold."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preview(Options):
    """Draw a contact sheet: the largest tumors, the smallest, and random slices, with outlines."""

    shards: str
    """Shard set: its folder or URL."""
    out: Path
    """PNG file to write."""
    random: Annotated[int, Limits(least=0, most=1000)] = 8
    """Random slices to draw, below four of the largest and four of the smallest tumors."""
    seed: Annotated[int, SEED] = 0
    """Decides which slices are random."""

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        super().__post_init__()
        if self.out.suffix.lower() != ".png":
            raise ValueError(f"--out must be a .png file, got {self.out}")
