"""What can be said about a case, and how a case that cannot be used is stopped."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ingest.case import BadCaseError

Level = Literal["fatal", "warning", "note"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something about a case that its user should know.

    Attributes:
        case: Name of the case.
        level: `fatal`: it cannot be built; `warning`: it can, and is likely wrong; `note`: fine.
        rule: Which rule speaks, one word.
        message: The rule, what was found, and what to do, in one line.
    """

    case: str
    level: Level
    rule: str
    message: str


def refuse(findings: Iterable[Finding]) -> None:
    """Stop a case that cannot be used.

    Raises:
        BadCaseError: If a finding is fatal; its message holds those of all that are.
    """
    fatal = [finding.message for finding in findings if finding.level == "fatal"]
    if fatal:
        raise BadCaseError("; ".join(fatal))
