"""Why a trial could not go on, and whose fault that was."""

from dataclasses import dataclass
from typing import Literal

Cause = Literal["settings", "trial", "node", "full disk", "memory", "process"]
"""What was to blame.

`settings`: the values of the trial. `trial`: something known that would come again on this node.
`node`: the node cannot run any trial. `full disk`: that of the search's folder. `memory`: it did
not suffice. `process`: it ended, and nobody knows why.
"""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A failure of one attempt at a trial.

    Attributes:
        cause: What was to blame.
        reason: For people, in one line.
    """

    cause: Cause
    reason: str
