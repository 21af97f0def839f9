"""What a build has to do: the cases of a source, held against what earlier runs left."""

import functools
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import isal
import numpy as np

from ingest.case import BadCaseError, Case
from ingest.find_cases import source_name
from ingest.job import journal
from ingest.job.conflict import refuse_conflict
from ingest.job.fingerprint import of_case
from ingest.job.journal import Past, Plan
from ingest.job.one_case import Task
from ingest.job.time_limit import answer_within
from ingest.options import BuildShards
from shards.console.words import on_one_line
from shards.storage.target import Target

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """Why a case is left out.

    Attributes:
        reason: In one line.
        source: Fingerprint of its files, where the same files would be rejected again.
    """

    reason: str
    source: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Agenda:
    """What is done, what is left and what has to go.

    Attributes:
        plan: What decides the shards, apart from the scans.
        past: What earlier runs left; None for nothing.
        done: Names of the cases whose shards stay.
        left: The cases to be built.
        rejected: Cases that are known not to be usable, by name.
        sizes: Bytes of each shard that is there, by file name.
    """

    plan: Plan
    past: Past | None
    done: frozenset[str]
    left: list[Task]
    rejected: dict[str, Rejected]
    sizes: dict[str, int]

    @property
    def leaving(self) -> frozenset[str]:
        """Cases whose shards are to be replaced or deleted."""
        return (self.past.cases if self.past else frozenset()) - self.done

    @property
    def tools(self) -> dict[str, str]:
        """Version of each library that shapes the shards; all of them where older shards stay."""
        now = {"isal": isal.__version__, "numpy": np.__version__, "opencv": cv2.__version__}
        before = self.past.tools if self.past and self.done else {}
        return {
            name: ", ".join(sorted({version, *before.get(name, version).split(", ")}))
            for name, version in now.items()
        }


def agenda(build: BuildShards, cases: Iterable[Case], target: Target) -> Agenda:
    """Find out what is missing, changed or of another recipe.

    Args:
        build: What is to be built.
        cases: The cases of the source.
        target: Where the set lies.

    Returns:
        What there is to do; every case is done, left or rejected.

    Raises:
        ShardError: If the target holds what may not be replaced, or cannot be read.
    """
    plan = Plan(
        source=source_name(build.source), recipe=build.recipe.to_dict(), compressed=build.compress
    )
    past = journal.past(target)
    refuse_conflict(past, plan, target, replace=build.replace)
    tasks, rejected = _tasks(build, cases)
    sizes = target.sizes("cases")
    done: frozenset[str] = frozenset()
    if past and past.plan == plan:
        done = frozenset(task.case.name for task in tasks if _is_done(task, past, sizes))
        rejected |= _rejected_again(tasks, past)
    for name, why in rejected.items():
        _log.error("rejected %s: %s", on_one_line(name), why.reason)
    left = [task for task in tasks if task.case.name not in done | set(rejected)]
    return Agenda(plan=plan, past=past, done=done, left=left, rejected=rejected, sizes=sizes)


def _tasks(build: BuildShards, cases: Iterable[Case]) -> tuple[list[Task], dict[str, Rejected]]:
    """What is to be built if nothing is there yet; and cases of which a file is missing."""
    tasks, rejected = [], {}
    for case in cases:
        try:
            if case.problem or case.label is None:
                what = case.problem or f"{case.name} has no label: add it, or take the case out"
                raise BadCaseError(what)
            fingerprint = _fingerprint(case, build)
        except BadCaseError as error:
            rejected[case.name] = Rejected(reason=str(error))
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


def _fingerprint(case: Case, build: BuildShards) -> dict[str, Any]:
    try:
        return answer_within(
            build.case_minutes * 60, functools.partial(of_case, case, build.source.absolute())
        )
    except TimeoutError as error:
        raise BadCaseError(
            f"{case.image} did not open within {build.case_minutes:g} minutes: look whether it can "
            "be read, or raise --case-minutes"
        ) from error


def _is_done(task: Task, past: Past, sizes: Mapping[str, int]) -> bool:
    entry = past.entries.get(task.case.name)
    if entry is None:
        return False
    size = sizes.get(Path(entry.shard).name)
    return entry.source == task.fingerprint and size == entry.bytes


def _rejected_again(tasks: Iterable[Task], past: Past) -> dict[str, Rejected]:
    """The cases of a finished set that were rejected and whose files are still the same."""
    if past.manifest is None:
        return {}
    reasons, sources = past.manifest.rejected, past.manifest.rejected_sources
    return {
        task.case.name: Rejected(reason=reasons[task.case.name], source=task.fingerprint)
        for task in tasks
        if sources.get(task.case.name) == task.fingerprint
    }
