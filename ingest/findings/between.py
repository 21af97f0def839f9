"""What cases of one source have in common that they should not: voxels, patients."""

from collections.abc import Hashable, Mapping

from ingest.findings.finding import Finding


def duplicate_findings(contents: Mapping[str, Hashable]) -> list[Finding]:
    """Find scans that are there twice.

    Args:
        contents: For each case by name, a key that scans with equal voxels share.

    Returns:
        One warning for each case whose key an earlier one has.
    """
    first: dict[Hashable, str] = {}
    findings = []
    for case, content in sorted(contents.items()):
        earlier = first.setdefault(content, case)
        if earlier != case:
            message = f"has the voxels of {earlier}: a scan in two folds spoils scores, remove one"
            findings.append(Finding(case=case, level="warning", rule="twice", message=message))
    return findings


def leak_findings(
    training: Mapping[str, Hashable], test: Mapping[str, Hashable], *, shared: str
) -> list[Finding]:
    """Find what is on both sides of the split of a data set.

    Args:
        training: For each training case by name, a key: its patient, or one that scans with equal
            voxels share.
        test: The same of the test cases.
        shared: What cases with one key have in common, for people.

    Returns:
        One warning for each training case whose key a test case has too.
    """
    tested = {key: case for case, key in test.items()}
    return [
        Finding(
            case=case,
            level="warning",
            rule="split",
            message=f"has the {shared} of test case {tested[key]}: scores of the test set will be "
            "too good, remove one",
        )
        for case, key in sorted(training.items())
        if key in tested
    ]
