"""Whether a target has room for the shards to come."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from ingest.job.one_case import Task
from ingest.readers import open_image
from shards.errors import StoreError
from shards.index import shard_name
from shards.storage.target import Target

_BYTES_BESIDE_IMAGE = 4096  # headers, padding, tags and a mask of ordinary size
_COMPRESSED_SHARE = 0.6
_RESERVE_BYTES = 16 << 20


def check_space(tasks: Iterable[Task], target: Target, present: Mapping[str, int]) -> None:
    """Make sure that a target has room, as far as its disk says.

    Args:
        tasks: The cases to be built; unreadable ones need no room.
        target: Where they go.
        present: Bytes of each shard that is there, by file name; those built anew make room.

    Raises:
        StoreError: If they will not fit.
    """
    free = target.free_bytes()
    if free is None:
        return
    needed = sum(
        _bytes_of(task) - present.get(Path(shard_name(task.case.name)).name, 0) for task in tasks
    )
    if needed > 0 and needed + _RESERVE_BYTES > free:
        raise StoreError(
            f"{target.url} needs about {_megabytes(needed + _RESERVE_BYTES)}, its disk has "
            f"{_megabytes(free)} free: make room, choose another --out, or use --compress"
        )


def _bytes_of(task: Task) -> int:
    try:
        grid = open_image(
            task.case.image, task.case.files, form=task.recipe.nifti_form
        ).grid.canonical()
    except Exception:  # noqa: BLE001 (building the case will tell)
        return 0
    num_slices, step_mm = grid.shape[2], grid.spacing_mm[2]
    dropped = 0 if task.recipe.drop_outside_lungs else task.recipe.num_dropped(step_mm)
    kept = max(num_slices - dropped, 0)
    pixels = 2 * task.recipe.size**2
    share = _COMPRESSED_SHARE if task.compress else 1.0
    return kept * int(pixels * share + _BYTES_BESIDE_IMAGE)


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
