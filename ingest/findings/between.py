"""What cases of one source should not have in common, and what they should: voxels, a pitch."""

from collections.abc import Hashable, Mapping

from ingest.findings.finding import Finding

_TIMES_AS_LARGE = 2.0  # whole scans are 300 to 500 mm wide, crops around a tumor a third of that


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


def pitch_findings(pixel_mm: Mapping[str, float]) -> list[Finding]:
    """Find out whether the slices show some patients much larger than others.

    Args:
        pixel_mm: For each case by name, the width of a pixel of its slices.

    Returns:
        At most one warning, about the case that is shown largest.
    """
    finest, coarsest = (
        choose(pixel_mm, key=lambda case: (pixel_mm[case], case), default="")
        for choose in (min, max)
    )
    times = pixel_mm[coarsest] / pixel_mm[finest] if finest else 1.0
    if times < _TIMES_AS_LARGE:
        return []
    message = (
        f"a pixel of its slices is {pixel_mm[finest]:.2f} mm wide, one of {coarsest} "
        f"{pixel_mm[coarsest]:.2f} mm: equal tumors look {times:.1f} times as large, unless "
        "--pixel-mm gives all slices one pitch"
    )
    return [Finding(case=finest, level="warning", rule="pitch", message=message)]


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
