"""What a reader must know before believing the numbers of an evaluation."""

from collections.abc import Mapping, Sequence
from typing import Any

from lungseg.scores.case_score import CaseScore
from shards.console.words import counted, some


def cautions(
    scores: Sequence[CaseScore], metrics: Mapping[str, Any], *, own_threshold: float | None
) -> list[str]:
    """What a reader must know before believing the numbers, one sentence each."""
    trained = [score.case for score in scores if score.role == "training"]
    chose = [score.case for score in scores if score.role == "validation"]
    lost = [f"{score.case} ({score.fn_dropped} voxels)" for score in scores if score.fn_dropped]
    unread = sum(score.slices_dropped > 0 for score in scores)
    failed = [f"{case} ({why})" for case, why in metrics["failed"].items()]
    sentences = (
        (failed, f"Not scored, and outside all numbers: {some(failed)}."),
        (
            trained,
            "The model was trained on these scans, so that their scores say nothing about new "
            f"ones: {some(trained)}.",
        ),
        (
            chose,
            "These scans are validation cases, by which the training chose its best epoch; expect "
            f"a little less on new ones: {some(chose)}.",
        ),
        (
            any(score.role == "unknown" for score in scores),
            "Nothing here tells whether these scans were used to make what drew the masks.",
        ),
        (
            unread,
            f"In {counted(unread, 'scan')} there are slices that the model never saw, because the "
            "recipe of its training drops them; --all-slices reads them.",
        ),
        (lost, f"Tumor in slices that the recipe drops counts as missed: {some(lost)}."),
        (
            metrics["n"] < 10,
            f"The mean is over n = {metrics['n']} only: other scans could give another one.",
        ),
        (
            metrics["threshold"] != own_threshold,
            f"The threshold {metrics['threshold']} is not the checkpoint's own, {own_threshold}.",
        ),
    )
    return [sentence for applies, sentence in sentences if applies]
