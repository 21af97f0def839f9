"""Score a model, or masks that exist, on scans with labels: per case, on each scan's own grid."""

import json
import logging
from collections.abc import Sequence
from typing import Any

from ingest.case import BadCaseError, Case
from lungseg.evaluation.by_masks import MasksPredictor
from lungseg.evaluation.by_model import ModelPredictor
from lungseg.evaluation.case_choice import choose_cases
from lungseg.evaluation.cautions import cautions
from lungseg.evaluation.leave import as_csv, leave, refuse_to_replace
from lungseg.evaluation.of_case import examine
from lungseg.evaluation.options import EvaluateOptions
from lungseg.evaluation.predictor import Predictor
from lungseg.evaluation.provenance import facts_of
from lungseg.report.evaluation import Chapter, render
from lungseg.scores.case_score import CaseScore
from lungseg.scores.false_areas import weight_of
from lungseg.scores.lesions import Lesion
from lungseg.scores.summary import metrics
from shards.console.interrupt import NOTHING_WRITTEN, kept
from shards.console.progress import progress
from shards.console.words import counted, some

NUM_FRAMES = 600
"""Pictures of all cases together, before the report is fitted to its size."""

_NOT_SAID = {"cases", "recipe", "dice_pooled_soft_definition", "checkpoint_sha256"}
_NOT_SAID |= {"surface", "lesions", "froc", "calibration", "risk_coverage", "volume_intervals"}

logger = logging.getLogger(__name__)


def evaluate(options: EvaluateOptions) -> dict[str, Any]:
    """Score the cases, write the results and return the scores with what they mean."""
    predictor = _predictor(options)
    refuse_to_replace(options)
    kind, cases = choose_cases(options, predictor.role_of, roi=predictor.reading.roi)
    predictor.require(cases)
    logger.info(
        "scoring %s of %s, each on its own grid, %s",
        *(counted(len(cases), f"{kind} scan"), options.source, predictor.in_words()),
    )
    with kept(NOTHING_WRITTEN):
        chapters, failed = _examined(cases, predictor)
    scores = [chapter.score for chapter in chapters]
    explained = predictor.explain(scores)
    result = {
        **metrics(scores, threshold=predictor.threshold),
        "subset": kind,
        "failed": failed,
        **predictor.about(),
        **({"explain": explained} if explained else {}),
    }
    _leave(options, chapters, result, predictor)
    said = {**_said(result), "report": str(options.out / "report.html")}
    return said | ({"exit_code": 1} if failed else {})


def _said(result: dict[str, Any]) -> dict[str, Any]:
    """What is printed of the metrics."""
    surface, lesions = result["surface"], result["lesions"]
    return {
        **{name: value for name, value in result.items() if name not in _NOT_SAID and value != {}},
        "nsd_mean": surface["nsd"]["mean"],
        "hd95_mm_median": surface["hd95_mm"]["median"],
        **_stand_ins(result["missed"]),
        **_certainty(result),
        "lesions": lesions["n"],
        "lesions_found": lesions["found"],
        "false_lesions_per_scan": lesions["false_positives_per_scan"],
    }


def _certainty(result: dict[str, Any]) -> dict[str, float]:
    """How sure the model is, where it has probabilities, in a number each."""
    numbers = {"froc": "score", "calibration": "ece", "risk_coverage": "aurc"}
    named = {"froc": "froc_score", "calibration": "lesion_ece", "risk_coverage": "lesion_aurc"}
    return {named[part]: result[part][key] for part, key in numbers.items() if part in result}


def _stand_ins(missed: int) -> dict[str, str]:
    """What the distances of missed cases are."""
    if not missed:
        return {}
    return {"hd95_mm_of_missed": f"the scan's diagonal stands in, in {counted(missed, 'case')}"}


def _predictor(options: EvaluateOptions) -> Predictor:
    if options.checkpoint is not None:
        return ModelPredictor(options.checkpoint, options)
    assert options.predictions is not None  # noqa: S101 (the options hold one of both)
    return MasksPredictor(options.predictions, options)


def _examined(cases: Sequence[Case], predictor: Predictor) -> tuple[list[Chapter], dict[str, str]]:
    """The cases scored, and by name why others could not be."""
    num_frames = min(60, max(4, NUM_FRAMES // len(cases)))
    chapters, failed = [], {}
    with progress(len(cases)) as bar:
        for case in cases:
            try:
                chapters.append(examine(case, predictor, num_frames=num_frames))
            except BadCaseError as error:
                failed[case.name] = str(error)
                logger.error("%s failed: %s", case.name, error)
            else:
                logger.info("%s", chapters[-1].score.in_words())
            bar.step()
    if not chapters:
        raise BadCaseError(f"no case could be scored: {some([*failed.values()], '; ')}")
    return chapters, failed


def _leave(
    options: EvaluateOptions,
    chapters: Sequence[Chapter],
    result: dict[str, Any],
    predictor: Predictor,
) -> None:
    scores = [chapter.score for chapter in chapters]
    warnings = cautions(scores, result, own_threshold=predictor.own_threshold)
    for warning in warnings:
        logger.warning("note: %s", warning)
    page = render(chapters, result, warnings=warnings, facts=facts_of(options, predictor))
    leave(
        options,
        {
            "metrics.json": json.dumps(result, indent=1) + "\n",
            "cases.csv": as_csv(list(result["cases"][0]), result["cases"]),
            "lesions.csv": _lesions_csv(scores),
            "slices.csv": _slices_csv(scores),
            "report.html": page,
        },
    )


def _lesions_csv(scores: Sequence[CaseScore]) -> str:
    rows = ({"case": score.case, **lesion.row()} for score in scores for lesion in score.lesions)
    return as_csv(["case", *Lesion.COLUMNS], rows)


def _slices_csv(scores: Sequence[CaseScore]) -> str:
    rows = (
        {"case": score.case, "z": z, "false_mm2": round(mm2, 2), "weight": weight_of(mm2)}
        for score in scores
        for z, mm2 in score.wolf_mm2.items()
    )
    return as_csv(["case", "z", "false_mm2", "weight"], rows)
