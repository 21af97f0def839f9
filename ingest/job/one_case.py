"""One case -> its shard under its final name, or the reason why not: the unit of parallel work."""

import logging
import uuid
from dataclasses import dataclass
from typing import Any

import cv2

from ingest.case import Case
from ingest.findings.read_case import CaseSummary, read_case
from ingest.recipe import Recipe
from ingest.slices.field import slice_spacing_mm
from shards.console.errors import KnownError
from shards.errors import StoreError
from shards.index import ShardIndex, shard_name
from shards.manifest import CaseEntry
from shards.storage.target import open_target, written_error
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

    def __str__(self) -> str:
        """What it is called in messages."""
        return self.case.name


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
        lasting: Whether the same files would be rejected again.
    """

    built: Built | None = None
    reason: str = ""
    lasting: bool = False


def build_case(task: Task) -> Outcome:
    """Build one shard.

    Raises:
        StoreError: If the target cannot be written to: no other case would fare better.
    """
    try:
        return Outcome(built=_build(task))
    except StoreError:
        raise
    except KnownError as error:
        return Outcome(reason=" ".join(str(error).split()), lasting=True)
    except Exception as error:
        # One case that trips over our own mistake must not cost the others
        logging.getLogger(__name__).exception("unexpected failure in case %s", task.case.name)
        return Outcome(reason=f"unexpected {type(error).__name__}: {error}")


def _build(task: Task) -> Built:
    cv2.setNumThreads(1)  # the cores are busy with other cases
    case = task.case
    target = open_target(task.out)
    try:
        target.staging.mkdir(parents=True, exist_ok=True)
        staged = target.staging / f"{case.name}.{uuid.uuid4().hex[:12]}.tar"
        with ShardWriter(staged, case=case.name, compress=task.compress) as shard:
            summary = read_case(case, task.recipe, shard.add)
            written = shard.finish()
    except OSError as error:  # readers turn theirs into BadCaseError: this one is of writing
        raise written_error(str(target.staging), error) from error
    target.publish(staged, shard_name(case.name))
    return Built(entry=_entry(task, summary, written), index=written.index)


def _entry(task: Task, summary: CaseSummary, written: WrittenShard) -> CaseEntry:
    case, grid = task.case, summary.grid
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
        slices_dropped=summary.num_dropped,
        tumor_slices=int(written.index.tumor.sum()),
        tumor_voxels=summary.tumor.kept,
        tumor_voxels_dropped=summary.tumor.dropped,
        measures=summary.measures,
        slice_spacing_mm=slice_spacing_mm(grid, task.recipe),
        warnings=tuple(f.message for f in summary.findings if f.level != "note"),
    )
