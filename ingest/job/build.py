"""The job: a source of scans -> a shard set, resumable, with nothing lost in silence."""

import importlib
import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ingest.case import BadCaseError, Case
from ingest.find_cases import find_cases
from ingest.findings.between import duplicate_findings, pitch_findings
from ingest.findings.finding import Finding
from ingest.findings.patients import split_findings
from ingest.findings.read_case import VOXELS_CRC32
from ingest.job import engines, journal
from ingest.job.agenda import Agenda, Rejected, agenda
from ingest.job.journal import BUILD_FOLDER
from ingest.job.one_case import Built, Outcome, Task
from ingest.job.space import check_space
from ingest.options import BuildShards
from ingest.slices.tumor_count import VOXELS_CROPPED, VOXELS_LOST
from ingest.splits.patients import tell_patients
from ingest.splits.split import Split
from shards.console.interrupt import kept
from shards.console.progress import progress
from shards.console.words import counted, on_one_line, some
from shards.index import shard_name
from shards.manifest import Manifest
from shards.storage.target import Target, locked, open_target

_log = logging.getLogger(__name__)


def build_shards(build: BuildShards) -> dict[str, Any]:
    """Build what is missing, changed or of another recipe, then write index and manifest.

    Args:
        build: What is to be built.

    Returns:
        The summary; `exit_code` is 1 if a case was rejected and `on_error` is `fail`, or if one
        lost its whole tumor and that was not accepted.

    Raises:
        BadCaseError: If the source has no usable case.
        ShardError: If the target cannot be written to, is too small or holds another data set.
        NoClusterError: If there is no Ray cluster at `--address`.
    """
    source = build.source.absolute()
    cases = tell_patients(find_cases(source, roi=build.roi), build, source)
    split = Split.of(cases, build, seed=build.seed)
    _warn(split_findings(split))
    target = open_target(build.out)
    with locked(target), kept("finished cases are kept, the same command goes on from here"):
        manifest, num_built = _resume(build, cases, split, target)
        target.delete(BUILD_FOLDER)  # also where a kill came just before this line
    return _summary(build, manifest, num_built)


def _resume(
    build: BuildShards, cases: list[Case], split: Split, target: Target
) -> tuple[Manifest, int]:
    """The manifest of the whole set, and how many cases were built for it now."""
    todo = agenda(build, cases, target)
    past = todo.past
    if past and past.manifest and not todo.left and _is_whole(past.manifest, todo, split):
        return past.manifest, 0
    check_space(todo.left, target, todo.sizes)
    finished = past.built(todo.done, target) if past else {}
    journal.begin(target, todo.plan, finished, leaving=todo.leaving, tools=todo.tools)
    _work(build, todo, target, finished)
    for name in (todo.leaving | set(todo.rejected)) - set(finished):
        if name not in todo.rejected:
            _log.warning("%s is not in %s any more: its shard is deleted", name, build.source)
        target.delete(shard_name(name))
    return _finish(build, todo, split, target, finished), len(finished) - len(todo.done)


def _is_whole(manifest: Manifest, todo: Agenda, split: Split) -> bool:
    same_cases = set(manifest.cases) == todo.done and manifest.rejected == _reasons(todo)
    return same_cases and split.is_that_of(manifest)


def _reasons(todo: Agenda) -> dict[str, str]:
    return {name: todo.rejected[name].reason for name in sorted(todo.rejected)}


def _work(build: BuildShards, todo: Agenda, target: Target, finished: dict[str, Built]) -> None:
    """Build what is left; fills `finished`, and `rejected` of the agenda."""
    done = len(finished)
    _import_meanwhile("pyarrow.parquet")
    with progress(done + len(todo.left), done=done) as bar:
        for position, outcome in engines.built(build, todo.left):
            task = todo.left[position]
            if outcome.built is None:
                todo.rejected[task.case.name] = _rejected(task, outcome)
            else:
                finished[task.case.name] = outcome.built
                _keep(target, task.case.name, outcome.built)
            bar.step()


def _import_meanwhile(module: str) -> None:
    """Import what is needed at the end while workers are busy."""
    threading.Thread(target=importlib.import_module, args=(module,), daemon=True).start()


def _rejected(task: Task, outcome: Outcome) -> Rejected:
    _log.error("rejected %s: %s", on_one_line(task.case.name), outcome.reason)
    source = task.fingerprint if outcome.lasting else None
    return Rejected(reason=outcome.reason, source=source)


def _keep(target: Target, name: str, built: Built) -> None:
    target.settle(shard_name(name))
    journal.record(target, name, built)
    for warning in built.entry.warnings:
        _log.warning("%s: %s", name, warning)


def _finish(
    build: BuildShards, todo: Agenda, split: Split, target: Target, finished: Mapping[str, Built]
) -> Manifest:
    if not finished:
        target.delete(BUILD_FOLDER)
        raise BadCaseError(
            f"none of {counted(len(todo.rejected), 'case')} could be built, see the lines above"
        )
    entries = split.entries({name: built.entry for name, built in finished.items()})
    manifest = Manifest(
        recipe=todo.plan.recipe,
        source=todo.plan.source,
        tools=todo.tools,
        slice_shape=(build.recipe.size, build.recipe.size),
        folds=split.folds(entries),
        folds_from=split.folds_from,
        patients_from=split.patients_from,
        cases=entries,
        rejected=_reasons(todo),
        rejected_sources={
            name: each.source for name, each in sorted(todo.rejected.items()) if each.source
        },
        compressed=todo.plan.compressed,
    )
    journal.finish(target, manifest, (finished[name].index for name in entries))
    contents = {name: entry.measures[VOXELS_CRC32] for name, entry in entries.items()}
    _warn(duplicate_findings(contents))
    pitches = {name: entry.slice_spacing_mm for name, entry in entries.items()}
    _warn(pitch_findings({name: pitch[0] for name, pitch in pitches.items() if pitch}))
    return manifest


def _warn(findings: Iterable[Finding]) -> None:
    for finding in findings:
        _log.warning("%s: %s", finding.case, finding.message)


def _summary(build: BuildShards, manifest: Manifest, num_built: int) -> dict[str, Any]:
    entries = manifest.cases.values()
    slices = sum(entry.slices for entry in entries)
    tumor_slices = sum(entry.tumor_slices for entry in entries)
    lost = _cases_without_their_tumor(manifest)
    if not tumor_slices and not lost:
        _log.warning(_no_tumor(build.recipe.tumor_labels))
    return {
        "shards": build.out,
        "cases": len(manifest.cases),
        "built_now": num_built,
        "folds": f"{len(set(manifest.folds.values()))} by {manifest.folds_from}",
        "slices": slices,
        "tumor_slices": tumor_slices,
        "tumor_share": round(tumor_slices / slices, 4),
        "bytes": sum(entry.bytes for entry in entries),
        "tumor_voxels_dropped": sum(entry.tumor_voxels_dropped for entry in entries),
        **{
            name: sum(int(entry.measures.get(name, 0)) for entry in entries)
            for name in (VOXELS_CROPPED, VOXELS_LOST)
        },
        "cases_without_their_tumor": lost,
        "rejected": manifest.rejected,
        "exit_code": int(_is_failure(build, manifest, lost)),
    }


def _no_tumor(values: Sequence[int]) -> str:
    if not values:
        return "no case shows tumor: no label marks any"
    return f"no case shows tumor: no label holds the values of --tumor-labels, {list(values)}"


def _cases_without_their_tumor(manifest: Manifest) -> list[str]:
    return [
        name
        for name, entry in manifest.cases.items()
        if not entry.tumor_slices and (entry.tumor_voxels or entry.tumor_voxels_dropped)
    ]


def _is_failure(build: BuildShards, manifest: Manifest, lost: list[str]) -> bool:
    if lost and not build.accept_lost_tumor:
        _log.error(
            "%s of %d lost the whole tumor (%s): build again with --replace %s, or accept that "
            "with --accept-lost-tumor",
            *(counted(len(lost), "case"), len(manifest.cases), some(lost)),
            _what_keeps(manifest, lost),
        )
        return True
    return bool(manifest.rejected) and build.on_error == "fail"


def _what_keeps(manifest: Manifest, lost: list[str]) -> str:
    """Options by which cases keep their tumor."""
    entries = [manifest.cases[name] for name in lost]
    ways = []
    if any(entry.tumor_voxels_dropped for entry in entries):
        ways.append("--drop-slices 0")
    if any(entry.tumor_voxels for entry in entries):
        widest = max(max(entry.shape) for entry in entries if entry.tumor_voxels)
        ways.append(
            f"a larger --size, at most {widest}"
            if manifest.recipe.get("pixel_mm") is None
            else "a larger --size, or another --pixel-mm"
        )
    return " and ".join(ways)
