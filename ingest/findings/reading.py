"""What the readers of a scan and its mask have to say, once both were read to the end."""

from ingest.findings.finding import Finding
from ingest.scans.volume import Volume
from shards.console.words import counted


def remark_findings(case: str, image: Volume, label: Volume | None) -> list[Finding]:
    """What is odd about the files or was changed in reading: a warning for each remark."""
    remarks = [("image", text) for text in image.remarks]
    remarks += [("label", text) for text in (label.remarks if label else ())]
    return [Finding(case=case, level="warning", rule=rule, message=text) for rule, text in remarks]


def filled_findings(case: str, *, filled: int, hu: int | None) -> list[Finding]:
    """Say how many voxels had no number and were given one.

    Args:
        case: Name of the case.
        filled: Voxels.
        hu: What they were given.

    Returns:
        At most one warning.
    """
    if not filled:
        return []
    message = f"{counted(filled, 'voxel')} without a number (NaN, infinite) given {hu} HU"
    return [Finding(case=case, level="warning", rule="values", message=message)]
