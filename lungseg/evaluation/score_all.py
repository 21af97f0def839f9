"""Score a checkpoint on scans with labels: per case, on each scan's own grid."""

import hashlib
import json
import logging
from collections.abc import Sequence
from typing import Any

import torch

from ingest.case import Case
from lungseg.evaluation.case_choice import choose_cases
from lungseg.evaluation.cautions import cautions
from lungseg.evaluation.leave import OutputError, as_csv, leave
from lungseg.evaluation.of_case import examine
from lungseg.evaluation.options import EvaluateOptions
from lungseg.evaluation.provenance import facts_of
from lungseg.inference.infer import pick_device
from lungseg.inference.model_file import LoadedModel, load_model
from lungseg.report.evaluation import Chapter, render
from lungseg.scores.case_score import metrics
from shards.console.progress import progress

NUM_FRAMES = 600
"""Pictures of all cases together, before the report is fitted to its size."""

logger = logging.getLogger(__name__)


def evaluate(options: EvaluateOptions) -> dict[str, Any]:
    """Score the cases, write the results and return the scores with what they mean."""
    if options.out.exists() and not options.out.is_dir():
        raise OutputError(f"--out must be a folder, {options.out} is a file: choose another")
    device = pick_device(options.device)
    model = load_model(options.checkpoint, device=device)
    threshold = model.threshold if options.threshold is None else options.threshold
    subset, cases = choose_cases(options.source, model, subset=options.subset, names=options.cases)
    logger.info(
        "scoring %d %s cases of %s, each on its own grid, threshold %s, on %s",
        *(len(cases), subset, options.source, threshold, device),
    )
    chapters = _examined(cases, model, device, threshold, options.batch_size)
    scores = [chapter.score for chapter in chapters]
    result = {
        **metrics(scores, threshold=threshold),
        "subset": subset,
        "checkpoint": str(options.checkpoint),
        "checkpoint_sha256": hashlib.sha256(options.checkpoint.read_bytes()).hexdigest(),
        "recipe": model.recipe.to_dict(),
    }
    warnings = cautions(scores, result, own_threshold=model.threshold)
    for warning in warnings:
        logger.warning("note: %s", warning)
    texts = {
        "metrics.json": json.dumps(result, indent=1) + "\n",
        "cases.csv": as_csv(result["cases"]),
        "report.html": render(
            chapters, result, warnings=warnings, facts=facts_of(options, model, result, device)
        ),
    }
    leave(options, texts)
    left_out = ("cases", "recipe", "dice_pooled_soft_definition", "checkpoint_sha256")
    said = {name: value for name, value in result.items() if name not in left_out}
    return {**said, "report": str(options.out / "report.html")}


def _examined(
    cases: Sequence[Case],
    model: LoadedModel,
    device: torch.device,
    threshold: float,
    batch_size: int,
) -> list[Chapter]:
    num_frames = min(60, max(4, NUM_FRAMES // len(cases)))
    chapters = []
    with progress(len(cases)) as bar:
        for case in cases:
            chapter = examine(
                case,
                model,
                device=device,
                threshold=threshold,
                batch_size=batch_size,
                num_frames=num_frames,
            )
            logger.info("%s", chapter.score.in_words())
            chapters.append(chapter)
            bar.step()
    return chapters
