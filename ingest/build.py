"""The job: a source of scans -> a shard set, resumable, with nothing lost in silence."""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import isal
import numpy as np

from ingest import engine, journal
from ingest.case_reader import VOXELS_CRC32
from ingest.cases import BadCaseError, Case, find_cases, source_name
from ingest.checks import duplicate_findings
from ingest.fingerprint import of_case
from ingest.job import Built, Outcome, Task, build_case
from ingest.journal import BUILD_FOLDER, Past, Plan
from ingest.options import BuildShards
from ingest.space import check_space
from ingest.split import Subject, assign_folds
from shards.errors import KnownError, ShardError
from shards.index import shard_name
from shards.manifest import CaseEntry, Manifest
from shards.progress import progress
from shards.target import Target, locked, open_target

_log = logging.getLogger(__name__)

_WORKER_BYTES = 128 << 20


class NoClusterError(KnownError):
    """The Ray cluster of `--address` cannot be joined."""


def build_shards(build: BuildShards) -> dict[str, Any]:
    """Build what is missing, changed or of another recipe, then write index and manifest.

    Args:
        build: What is to be built.

    Returns:
        The summary; `exit_code` is 1 if a case was rejected and `on_error` is `fail`.

    Raises:
        BadCaseError: If the source has no usable case.
        ShardError: If the target cannot be written to, is too small or holds another data set.
        NoClusterError: If there is no Ray cluster at `--address`.
    """
    cases = find_cases(build.source.absolute(), roi=build.roi)
    target = open_target(build.out)
    with locked(target):
        try:
            manifest, num_built = _resume(build, cases, target)
            target.delete(BUILD_FOLDER)  # also where a kill came just before this line
        except KeyboardInterrupt:
            _log.warning("interrupted: finished cases are kept, the same command goes on from here")
            raise
    return _summary(build, manifest, num_built)


def _resume(build: BuildShards, cases: list[Case], target: Target) -> tuple[Manifest, int]:
    """The manifest of the whole set, and how many cases were built for it now."""
    plan = Plan(
        source=source_name(build.source), recipe=build.recipe.to_dict(), compressed=build.compress
    )
    past = journal.past(target)
    _refuse_other_source(past, plan, target)
    tasks, rejected = _tasks(build, cases)
    reusable = past.entries if past and past.plan == plan else {}
    sizes = target.sizes("cases")
    left = [task for task in tasks if not _is_done(task, reusable.get(task.case.name), sizes)]
    done = {task.case.name for task in tasks} - {task.case.name for task in left}
    if past and past.manifest and not left and _is_whole(past.manifest, done, rejected, build):
        return past.manifest, 0
    check_space(left, target)
    finished = past.built(done, target) if past else {}
    journal.begin(target, plan, finished)
    _work(build, left, target, finished, rejected)
    stale = (set(past.entries) if past else set()) | set(rejected)
    for name in stale - set(finished):
        target.delete(shard_name(name))
    return _finish(build, plan, target, finished, rejected), len(finished) - len(done)


def _refuse_other_source(past: Past | None, plan: Plan, target: Target) -> None:
    if past and past.plan.source != plan.source:
        raise ShardError(
            f"{target.url} holds shards of {past.plan.source!r}, this source is {plan.source!r}: "
            "choose another --out, or delete it"
        )


def _tasks(build: BuildShards, cases: Iterable[Case]) -> tuple[list[Task], dict[str, str]]:
    """What is to be built if nothing is there yet; and cases of which a file is missing."""
    tasks, rejected = [], {}
    for case in cases:
        try:
            if case.problem or case.label is None:
                what = case.problem or f"{case.name} has no label: add it, or take the case out"
                raise BadCaseError(what)
            fingerprint = of_case(case, build.source.absolute())
        except BadCaseError as error:
            rejected[case.name] = str(error)
            _log.error("rejected %s: %s", case.name, error)
            continue
        tasks.append(
            Task(
                case=case,
                recipe=build.recipe,
                out=build.out if "://" in build.out else str(Path(build.out).absolute()),
                compress=build.compress,
                fingerprint=fingerprint,
            )
        )
    return tasks, rejected


def _is_done(task: Task, entry: CaseEntry | None, sizes: Mapping[str, int]) -> bool:
    if entry is None:
        return False
    size = sizes.get(Path(entry.shard).name)
    return entry.source == task.fingerprint and size == entry.bytes


def _is_whole(
    manifest: Manifest, done: set[str], rejected: Mapping[str, str], build: BuildShards
) -> bool:
    same_cases = set(manifest.cases) == done and manifest.rejected == rejected
    return same_cases and manifest.folds == _folds(manifest.cases, build.seed)


def _work(
    build: BuildShards,
    left: list[Task],
    target: Target,
    finished: dict[str, Built],
    rejected: dict[str, str],
) -> None:
    """Build what is left; fills `finished` and `rejected`."""
    done = len(finished)
    with progress(done + len(left), done=done) as bar:
        for position, result in _results(build, left):
            name = left[position].case.name
            outcome = result if isinstance(result, Outcome) else Outcome(reason=str(result))
            if outcome.built is None:
                rejected[name] = outcome.reason
                _log.error("rejected %s: %s", name, outcome.reason)
            else:
                target.settle(shard_name(name))
                journal.record(target, name, outcome.built)
                finished[name] = outcome.built
                for warning in outcome.built.entry.warnings:
                    _log.warning("%s: %s", name, warning)
            bar.step()


def _results(build: BuildShards, left: list[Task]) -> Iterator[tuple[int, Any]]:
    """Build in processes of this machine or on a Ray cluster: (position in `left`, result)."""
    if build.address is None:
        workers = build.workers or len(os.sched_getaffinity(0))
        return engine.run(build_case, left, workers=workers)
    return _results_of_cluster(build.address, left)


def _results_of_cluster(address: str, left: list[Task]) -> Iterator[tuple[int, Any]]:
    from cluster.fanout import fan_out

    try:
        yield from fan_out(build_case, left, address=address, memory_bytes=_WORKER_BYTES)
    except ConnectionError as error:
        raise NoClusterError(str(error)) from error


def _finish(
    build: BuildShards,
    plan: Plan,
    target: Target,
    finished: Mapping[str, Built],
    rejected: Mapping[str, str],
) -> Manifest:
    if not finished:
        target.delete(BUILD_FOLDER)
        raise BadCaseError(f"none of {len(rejected)} cases could be built, see the lines above")
    entries = {name: built.entry for name, built in sorted(finished.items())}
    manifest = Manifest(
        recipe=plan.recipe,
        source=plan.source,
        tools={"isal": isal.__version__, "numpy": np.__version__, "opencv": cv2.__version__},
        slice_shape=(build.recipe.size, build.recipe.size),
        folds=_folds(entries, build.seed),
        cases=entries,
        rejected=dict(sorted(rejected.items())),
        compressed=plan.compressed,
    )
    journal.finish(target, manifest, (finished[name].index for name in entries))
    contents = {name: entry.measures[VOXELS_CRC32] for name, entry in entries.items()}
    for finding in duplicate_findings(contents):
        _log.warning("%s: %s", finding.case, finding.message)
    return manifest


def _folds(entries: Mapping[str, CaseEntry], seed: int) -> dict[str, int]:
    subjects = {
        name: Subject(patient=entry.patient, tumor_volume_ml=entry.tumor_volume_ml)
        for name, entry in entries.items()
    }
    return assign_folds(subjects, seed=seed)


def _summary(build: BuildShards, manifest: Manifest, num_built: int) -> dict[str, Any]:
    entries = manifest.cases.values()
    slices = sum(entry.slices for entry in entries)
    tumor_slices = sum(entry.tumor_slices for entry in entries)
    return {
        "shards": build.out,
        "cases": len(manifest.cases),
        "built_now": num_built,
        "slices": slices,
        "tumor_slices": tumor_slices,
        "tumor_share": round(tumor_slices / slices, 4),
        "bytes": sum(entry.bytes for entry in entries),
        "tumor_voxels_dropped": sum(entry.tumor_voxels_dropped for entry in entries),
        "cases_without_their_tumor": [
            name
            for name, entry in manifest.cases.items()
            if entry.tumor_voxels_dropped and not entry.tumor_voxels
        ],
        "rejected": manifest.rejected,
        "exit_code": int(bool(manifest.rejected) and build.on_error == "fail"),
    }
