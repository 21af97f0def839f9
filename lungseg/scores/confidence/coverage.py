"""How much less goes wrong where only what the model is sure of is used."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lungseg.scores.confidence.reliability import judged_lesions
from lungseg.scores.lesions import Lesion

DEFINITION = (
    "the share of false ones among the predicted lesions that are used (risk), where these are the "
    "most confident share of all (coverage). The area under it is the mean risk over all coverages "
    "(AURC; Geifman and El-Yaniv, NeurIPS 2017); lesions of equal confidence are used together"
)


def risk_coverage(cases: Sequence[Sequence[Lesion]]) -> dict[str, Any] | None:
    """Risk against coverage of the predicted lesions.

    Args:
        cases: The lesions of each case.

    Returns:
        `coverage` and `risk` as lists, the first by the most confident lesions alone, `aurc`, and
        the `definition`; None where there are no lesions, or they have no confidence.
    """
    judged = judged_lesions(cases)
    if judged is None:
        return None
    confidence, real = judged
    falling = np.argsort(-confidence)
    last = np.flatnonzero(np.diff(confidence[falling], append=-1.0))  # of each level
    used = last + 1
    risk = np.cumsum(~real[falling])[last] / used
    return {
        "coverage": (used / len(real)).tolist(),
        "risk": risk.tolist(),
        "aurc": float((risk * np.diff(used, prepend=0)).sum() / len(real)),
        "definition": DEFINITION,
    }
