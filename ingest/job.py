"""One case -> its shard under its final name, or the reason why not: the unit of parallel work."""

import logging
import os
from dataclasses import dataclass
from typing import Any

import cv2

from ingest.cases import Case
from ingest.geometry import Grid
from ingest.recipe import Recipe
from ingest.slices import Tally, read_slices
from ingest.volume import open_image
from shards.errors import KnownError, StoreError
from shards.index import ShardIndex, shard_name
from shards.manifest import CaseEntry
from shards.target import open_target
from shards.writer import ShardWriter, WrittenShard


@dataclass(frozen=True, kw_only=True)
class Task:
    """All a worker needs to know to build one case.

    Attributes:
        case: The case.
        recipe: The recipe.
        out: Path or URL of the shard set.
        compress: Store images compressed.
        fingerprint: What `CaseEntry.source` is to say.
    """

    case: Case
    recipe: Recipe
    out: str
    compress: bool
    fingerprint: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Built:
    """A finished case.

    Attributes:
        entry: Its line in the manifest.
        index: Where its slices lie.
    """

    entry: CaseEntry
    index: ShardIndex


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a case.

    Attributes:
        built: What is known of its shard; None when it was rejected.
        reason: Why it was rejected; empty when it was built.
    """

    built: Built | None = None
    reason: str = ""


def build_case(task: Task) -> Outcome:
    """Build one shard.

    Raises:
        StoreError: If the target cannot be written to: no other case would fare better.
    """
    try:
        return _build(task)
    except StoreError:
        raise
    except KnownError as error:
        return Outcome(reason=" ".join(str(error).split()))
    except Exception as error:
        # One case that trips over our own mistake must not cost the others
        logging.getLogger(__name__).exception("unexpected failure in case %s", task.case.name)
        return Outcome(reason=f"unexpected {type(error).__name__}: {error}")


def _build(task: Task) -> Outcome:
    cv2.setNumThreads(1)  # the cores are busy with other cases
    case, tally = task.case, Tally()
    target = open_target(task.out)
    target.staging.mkdir(parents=True, exist_ok=True)
    staged = target.staging / f"{case.name}.{os.getpid()}.tar"
    with ShardWriter(staged, case=case.name, compress=task.compress) as shard:
        for record in read_slices(case, task.recipe, tally=tally):
            shard.add(record)
        written = shard.finish()
    target.publish(staged, shard_name(case.name))
    entry = _entry(task, open_image(case.image, case.files).grid, tally, written)
    return Outcome(built=Built(entry=entry, index=written.index))


def _entry(task: Task, grid: Grid, tally: Tally, written: WrittenShard) -> CaseEntry:
    case = task.case
    return CaseEntry(
        shard=shard_name(case.name),
        bytes=written.bytes,
        sha256=written.sha256,
        source=task.fingerprint,
        patient=case.patient,
        shape=grid.shape,
        affine=grid.affine,
        spacing_mm=grid.spacing_mm,
        orientation=grid.orientation,
        slices=len(written.index),
        slices_dropped=tally.slices_dropped,
        tumor_slices=int(written.index.tumor.sum()),
        tumor_voxels=tally.tumor_voxels,
        tumor_voxels_dropped=tally.tumor_voxels_dropped,
        measures={"lowest_hu": tally.lowest, "highest_hu": tally.highest},
        warnings=tuple(_warnings(grid, tally)),
    )


def _warnings(grid: Grid, tally: Tally) -> list[str]:
    warnings = []
    if not grid.streams:
        warnings.append(
            f"stored as {grid.orientation}: axial slices do not follow one another in the file, "
            "so that the scan was read whole into memory"
        )
    lost, kept = tally.tumor_voxels_dropped, tally.tumor_voxels
    if lost and not kept:
        warnings.append(f"ALL TUMOR LOST: all {lost} tumor voxels lie in slices that were dropped")
    elif lost:
        warnings.append(f"{lost} of {lost + kept} tumor voxels lie in slices that were dropped")
    return warnings
