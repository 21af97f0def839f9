"""Whether a lesion's probability is the share of such lesions that are real."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lungseg.scores.lesions import Lesion

NUM_BINS = 10
DEFINITION = (
    "predicted lesions by their confidence (highest probability) in ten equal steps: the share "
    "of them that match a lesion of the label, against their mean confidence. ECE is the mean "
    "distance of both, weighted by lesions (Naeini et al., AAAI 2015); lesions on specks are left "
    "out"
)


def reliability(cases: Sequence[Sequence[Lesion]]) -> dict[str, Any] | None:
    """The curve, and the expected calibration error.

    Args:
        cases: The lesions of each case.

    Returns:
        `n` lesions, `ece`, `bins` that hold any (`confidence`, `real`, `n`), and the `definition`;
        None where there are none, or they have no confidence.
    """
    judged = judged_lesions(cases)
    if judged is None:
        return None
    confidence, real = judged
    places = np.minimum((confidence * NUM_BINS).astype(int), NUM_BINS - 1)
    bins = [
        {
            "confidence": float(confidence[places == place].mean()),
            "real": float(real[places == place].mean()),
            "n": int((places == place).sum()),
        }
        for place in np.unique(places)
    ]
    apart = sum(entry["n"] * abs(entry["confidence"] - entry["real"]) for entry in bins)
    return {
        "n": len(confidence),
        "ece": apart / len(confidence),
        "bins": bins,
        "definition": DEFINITION,
    }


def judged_lesions(
    cases: Sequence[Sequence[Lesion]],
) -> tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.bool_]]] | None:
    """Confidence (n,) of all predicted lesions, those on specks apart, and which are real."""
    judged = [x for lesions in cases for x in lesions if x.kind in ("true", "false")]
    if not judged or any(lesion.confidence is None for lesion in judged):
        return None
    confidence = np.array([lesion.confidence for lesion in judged], np.float64)
    return confidence, np.array([lesion.kind == "true" for lesion in judged], np.bool_)
