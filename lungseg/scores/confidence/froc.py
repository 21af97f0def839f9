"""How many lesions are found at how many false ones a scan: the FROC curve."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lungseg.scores.lesions import Lesion

RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
DEFINITION = (
    "sensitivity for lesions where only predicted lesions of at least some confidence count, which "
    "is their highest probability, against the false lesions a scan that are left; matched as "
    "above. Beyond the false lesions that the model makes at its threshold the curve stays level. "
    "The score is the mean at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false lesions a scan (LUNA16)"
)

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Froc:
    """The curve.

    Attributes:
        rates: (n,) false lesions a scan, ascending from 0.
        sensitivities: (n,) at most as many false lesions.
    """

    rates: Values
    sensitivities: Values

    def at(self, rate: float) -> float:
        """Sensitivity where at most that many false lesions a scan are allowed."""
        return float(self.sensitivities[np.searchsorted(self.rates, rate, side="right") - 1])

    def summary(self) -> dict[str, Any]:
        """As plain data: at each of `RATES`, and the mean of these."""
        found = [self.at(rate) for rate in RATES]
        return {
            "sensitivity_at": {
                f"{rate:g}": value for rate, value in zip(RATES, found, strict=True)
            },
            "score": float(np.mean(found)),
            "definition": DEFINITION,
        }


def froc(cases: Sequence[Sequence[Lesion]]) -> Froc | None:
    """The curve of a set of cases.

    Args:
        cases: The lesions of each.

    Returns:
        The curve; None where the labels have no lesion, or predictions no confidence.
    """
    every = [lesion for lesions in cases for lesion in lesions]
    num_lesions = sum(lesion.kind in ("found", "missed") for lesion in every)
    judged = [lesion for lesion in every if lesion.kind in ("true", "false")]
    if not num_lesions or any(lesion.confidence is None for lesion in judged):
        return None
    confidence = np.array([lesion.confidence for lesion in judged], np.float64)
    true = np.array([lesion.kind == "true" for lesion in judged], np.bool_)
    falling = np.argsort(-confidence)
    last = np.flatnonzero(np.diff(confidence[falling], append=-1.0))  # of each level
    found, false = (np.cumsum(kind[falling])[last] for kind in (true, ~true))
    return Froc(
        rates=np.append(0.0, false / len(cases)),
        sensitivities=np.append(0.0, found / num_lesions),
    )
