"""The scores of a set of scans, each beside its definition."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lungseg.scores.case_score import CaseScore
from lungseg.scores.confidence.coverage import risk_coverage
from lungseg.scores.confidence.froc import froc
from lungseg.scores.confidence.reliability import reliability
from lungseg.scores.dice import soft_dice, summarize_guarded
from lungseg.scores.intervals import bootstrap_interval
from lungseg.scores.lesions import summarize_lesions
from lungseg.scores.surface import DEFINITION as SURFACE_DEFINITION
from lungseg.scores.surface import SurfaceScore

GRID = "every voxel of each scan, on the scan's own grid"
INTERVAL_DEFINITION = (
    "from the smallest to the largest volume that a member of the ensemble finds by itself (a "
    "checkpoint, or a mirror of the slices), by the same threshold and rules; how many labeled "
    "volumes lie in it is counted here, no probability is claimed"
)
SOFT_DEFINITION = (
    "2 sum(p t) / (sum p + sum t) over all pixels of all slices of all cases together, p the "
    "probability, t the mask, on the recipe's grid and without a threshold: what the tutorial "
    "reports. Large tumors dominate it; it is no segmentation score and not comparable with Dice "
    "per case"
)


def metrics(scores: Sequence[CaseScore], *, threshold: float | None) -> dict[str, Any]:
    """The content of `metrics.json` that comes from the scores.

    Args:
        scores: One per case, at least one.
        threshold: Probability from which a voxel was called tumor; None where that is not known.

    Returns:
        Plain data; every score stands beside its definition, grid, threshold and n.
    """
    counts = np.array([(score.tp, score.fp, score.fn) for score in scores], np.int64)
    dice = [score.dice or 0.0 for score in scores if score.tp + score.fn > 0]
    summary = summarize_guarded(counts, [score.voxel_ml for score in scores])
    false_alarms = [score for score in scores if score.verdict == "false alarm"]
    return {
        **summary,
        "dice_case_mean_ci95": bootstrap_interval(dice),
        "false_volume_ml": round(summary["false_volume_ml"], 4),
        "dice_case_median": float(np.median(dice)) if dice else None,
        **_surfaces([score.surface for score in scores if score.surface]),
        "lesions": summarize_lesions([score.lesions for score in scores]),
        **_certainty(scores),
        "grid": GRID,
        "threshold": threshold,
        "false_alarm_ml": round(sum((score.false_positive_ml for score in false_alarms), 0.0), 4),
        **_pooled_soft(scores),
        "cases": [score.row() for score in scores],
    }


def _surfaces(known: Sequence[SurfaceScore]) -> dict[str, Any]:
    """Means with their intervals, and medians, over the cases with tumor."""
    said: dict[str, Any] = {}
    for name in ("nsd", "hd95_mm", "assd_mm"):
        values = [getattr(surface, name) for surface in known]
        said[name] = {
            "mean": float(np.mean(values)) if values else None,
            "ci95": bootstrap_interval(values),
            "median": float(np.median(values)) if values else None,
        }
    return {"surface": said | {"n": len(known), "definition": SURFACE_DEFINITION}}


def _certainty(scores: Sequence[CaseScore]) -> dict[str, Any]:
    """What is known of how sure the model is; nothing of masks without probabilities."""
    lesions = [score.lesions for score in scores]
    curve = froc(lesions)
    said = {
        "froc": curve and curve.summary(),
        "calibration": reliability(lesions),
        "risk_coverage": risk_coverage(lesions),
        "volume_intervals": _volume_intervals(scores),
    }
    return {name: value for name, value in said.items() if value}


def _volume_intervals(scores: Sequence[CaseScore]) -> dict[str, Any] | None:
    """How many labeled volumes lie in the intervals that members of an ensemble give."""
    known = [(s.truth_ml, *s.volume_interval_ml) for s in scores if s.volume_interval_ml]
    if not known:
        return None
    noise = 1e-9  # of sums that are equal but for their rounding
    held = sum(least - noise <= truth <= most + noise for truth, least, most in known)
    return {"n": len(known), "hold_the_label": held, "definition": INTERVAL_DEFINITION}


def _pooled_soft(scores: Sequence[CaseScore]) -> dict[str, Any]:
    """The tutorial's number, where there are probabilities to make it of."""
    sums = [score.soft for score in scores if score.soft is not None]
    if len(sums) < len(scores):
        return {}
    overlap, total = (sum(column) for column in zip(*sums, strict=True))
    return {
        "dice_pooled_soft": soft_dice(overlap, total),
        "dice_pooled_soft_definition": SOFT_DEFINITION,
    }
