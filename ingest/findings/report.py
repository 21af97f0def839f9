"""Every finding about every case of a source, before anything is written."""

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.recipe import Recipe
from shards.console.command import Options

_LEVELS = ("fatal", "warning", "note")
_RECIPE_FIELDS = dataclasses.fields(Recipe)


@dataclass(frozen=True, kw_only=True)
class Check(Recipe, Options):
    """Read every scan and mask, write nothing, and say what is unfit, odd or worth a note.

    The exit code is 1 if a case is unfit, so that build-shards would leave it out.
    """

    source: Path
    """Folder with the scans: MSD layout (dataset.json, imagesTr, labelsTr), or DICOM."""
    list_regions: bool = False
    """Only list the regions in the DICOM masks, with those that --roi means; reads no pixels."""
    workers: int = 0
    """Processes that read; 0 takes one per core."""

    def __post_init__(self) -> None:
        """Refuse values that mean nothing."""
        super().__post_init__()
        if self.workers < 0:
            raise ValueError(f"--workers must be at least 0, got {self.workers}")

    @property
    def recipe(self) -> Recipe:
        """The part of the options that decides what a build would do."""
        return Recipe(**{field.name: getattr(self, field.name) for field in _RECIPE_FIELDS})


def check(options: Check) -> dict[str, Any]:
    """Examine all cases, training and test.

    Returns:
        Counts by level, the findings as plain data (fatal ones first) and `exit_code`; or what
        `regions_of` returns, where the options ask for it.

    Raises:
        BadCaseError: If the source has another layout, or no case.
    """
    if options.list_regions:
        from ingest.dicom.listing import regions_of

        return regions_of(options.source, options.roi)
    return _check_all(options)


def _check_all(options: Check) -> dict[str, Any]:
    from ingest.find_cases import find_cases
    from ingest.findings.of_case import Examination
    from ingest.findings.rules import duplicate_findings, leak_findings

    training = find_cases(options.source, roi=options.roi)
    test = _test_cases(options, training)
    tasks = [
        Examination(case=case, recipe=options.recipe, needs_label=needs_label)
        for cases, needs_label in ((training, True), (test, False))
        for case in cases
    ]
    findings, contents = _examine_all(tasks, options.workers or len(os.sched_getaffinity(0)))
    seen, seen_in_test = (
        {case.name: contents[case] for case in cases if case in contents}
        for cases in (training, test)
    )
    findings += duplicate_findings(seen) + duplicate_findings(seen_in_test)
    findings += leak_findings(seen, seen_in_test, shared="voxels")
    patients, tested = ({case.name: case.patient for case in cases} for cases in (training, test))
    findings += leak_findings(patients, tested, shared="patient")
    return _result(options.source, len(tasks), findings)


def show_findings(result: dict[str, Any]) -> str:
    """Render the result for people: one line per finding, then the counts."""
    findings = result["findings"]
    width = max((len(finding["case"]) for finding in findings), default=0)
    lines = [
        f"{finding['level']:7}  {finding['case']:{width}}  {finding['rule']:7}  "
        f"{finding['message']}"
        for finding in findings
    ]
    counts = ", ".join(f"{level} {result[level]}" for level in _LEVELS)
    return "\n".join([*lines, f"cases in {result['source']}: {result['cases']}; {counts}"])


def _examine_all(tasks: list[Any], workers: int) -> tuple[list[Any], dict[Any, int]]:
    """Findings about every case by itself, and of each that could be read a key of its voxels."""
    from ingest.findings.of_case import Examined, examine
    from ingest.findings.rules import Finding
    from ingest.job import processes as engine
    from shards.console.progress import progress

    findings: list[Finding] = []
    contents = {}
    with progress(len(tasks)) as bar:
        for place, result in engine.run(examine, tasks, workers=workers):
            case = tasks[place].case
            if isinstance(result, Examined):
                findings += result.findings
                if result.content is not None:
                    contents[case] = result.content
            else:
                message = f"cannot be read: {result}"
                findings.append(
                    Finding(case=case.name, level="fatal", rule="case", message=message)
                )
            bar.step()
    return findings, contents


def _test_cases(options: Check, training: list[Any]) -> list[Any]:
    """Cases of the test subset, if there is one; in DICOM there is none."""
    from ingest.case import BadCaseError
    from ingest.find_cases import find_cases

    try:
        test = find_cases(options.source, subset="test", roi=options.roi)
    except BadCaseError:
        return []
    return [case for case in test if case not in training]


def _result(source: Path, cases: int, findings: list[Any]) -> dict[str, Any]:
    ordered = sorted(findings, key=lambda f: (_LEVELS.index(f.level), f.case, f.rule))
    counts = {level: sum(f.level == level for f in findings) for level in _LEVELS}
    return {
        "source": str(source),
        "cases": cases,
        **counts,
        "findings": [dataclasses.asdict(finding) for finding in ordered],
        "exit_code": int(counts["fatal"] > 0),
    }
