"""Where a training's slices come from and who reads them."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal, Self

from shards.console.limits import Limited, Limits

Loader = Literal["index", "webdataset"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataOptions(Limited):
    """Where the slices come from, and who reads them."""

    shards: str
    """Folder (or URL) of the shards that `python -m ingest build-shards` wrote. What a run leaves
    names a URL without password and signature: give it again with --config or --resume."""
    cache: Path | None = None
    """Folder for local copies of a URL's shards, which processes and trainings share; by default
    lungseg/shards in ~/.cache."""
    cache_gb: Annotated[float | None, Limits(above=0, most=1_000_000)] = None
    """Room for the copies in that folder, in GB: the least recently used make room for new ones."""
    loader: Loader = "index"
    """How training slices are read. index: in the exact order of the plan, a URL's shards through
    the cache. webdataset: whole shards one after the other, without index and cache (validation
    still uses both); the share of slices with tumor is the same on average, but which slices an
    epoch has is not exact, depends on devices and workers, and a resumed training does not go on at
    the very next slice."""
    num_workers: Annotated[int | Literal["auto"], Limits(least=0, most=1024)] = "auto"
    """Processes per device that augment, or transplant for a GPU; auto: the cores that training
    leaves, at most 8; 0: a thread. Slices that are not changed there are read by threads."""

    def everywhere(self) -> Self:
        """The same with absolute paths, for processes elsewhere."""
        shards = self.shards if "://" in self.shards else str(Path(self.shards).resolve())
        return dataclasses.replace(self, shards=shards, cache=self.cache and self.cache.resolve())
