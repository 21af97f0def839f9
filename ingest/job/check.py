"""Every finding about every case of a source, before anything is written."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from ingest.case import BadCaseError, Case
from ingest.find_cases import find_cases
from ingest.findings.between import duplicate_findings, leak_findings
from ingest.findings.finding import Finding
from ingest.findings.of_case import Examination, Examined, examine
from ingest.findings.patients import split_findings
from ingest.findings.tumor import LOST
from ingest.job import processes as engine
from ingest.options import Check
from ingest.splits.patients import tell_patients
from ingest.splits.split import Split
from shards.console.progress import progress
from shards.console.words import counted

_LEVELS = ("fatal", "warning", "note")


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
    found = find_cases(options.source, roi=options.roi)
    training = tell_patients(found, options, options.source)
    split = Split.of(training, options)
    test = _test_cases(options, found)
    tasks = [
        Examination(case=case, recipe=options.recipe, needs_label=needs_label)
        for cases, needs_label in ((training, True), (test, False))
        for case in cases
    ]
    findings, contents = _examine_all(tasks, options)
    seen, seen_in_test = (
        {case.name: contents[case] for case in cases if case in contents}
        for cases in (training, test)
    )
    findings += duplicate_findings(seen) + duplicate_findings(seen_in_test)
    findings += leak_findings(seen, seen_in_test, shared="voxels")
    patients, tested = ({case.name: case.patient for case in cases} for cases in (training, test))
    findings += leak_findings(patients, tested, shared="patient") + split_findings(split)
    return _result(options, len(tasks), findings)


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
    num_lost = sum(finding["rule"] == LOST for finding in findings)
    lost = f"; {counted(num_lost, 'case')} without any of its tumor" if num_lost else ""
    return "\n".join([*lines, f"cases in {result['source']}: {result['cases']}; {counts}{lost}"])


def _examine_all(
    tasks: Sequence[Examination], options: Check
) -> tuple[list[Finding], dict[Case, int]]:
    """Findings about every case by itself, and of each that could be read a key of its voxels."""
    findings: list[Finding] = []
    contents: dict[Case, int] = {}
    with progress(len(tasks)) as bar:
        for place, result in engine.run(
            examine, tasks, workers=options.processes, minutes=options.case_minutes
        ):
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


def _test_cases(options: Check, training: list[Case]) -> list[Case]:
    """Cases of the test subset, if there is one; in DICOM there is none."""
    try:
        test = find_cases(options.source, subset="test", roi=options.roi)
    except BadCaseError:
        return []
    others = [case for case in test if case not in training]
    return tell_patients(others, options, options.source, all_told=False)


def _result(options: Check, cases: int, findings: list[Finding]) -> dict[str, Any]:
    ordered = sorted(findings, key=lambda f: (_LEVELS.index(f.level), f.case, f.rule))
    lost = [f for f in findings if f.rule == LOST and not options.accept_lost_tumor]
    counts = {level: sum(f.level == level for f in findings) for level in _LEVELS}
    return {
        "source": str(options.source),
        "cases": cases,
        **counts,
        "findings": [dataclasses.asdict(finding) for finding in ordered],
        "exit_code": int(counts["fatal"] > 0 or bool(lost)),
    }
