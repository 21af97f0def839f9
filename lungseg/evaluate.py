"""Score a checkpoint on scans with labels: per case, on each scan's own grid."""

import csv
import hashlib
import io
import json
import logging
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lungseg.inference.options import InferenceOptions
from shards.console.command import flat_values, run, save_config
from shards.console.errors import KnownError

if TYPE_CHECKING:
    import torch

    from ingest.case import Case
    from lungseg.inference.model_file import LoadedModel
    from lungseg.report.evaluation import Chapter, Facts
    from lungseg.scores.case_score import CaseScore

NUM_FRAMES = 600
"""Pictures of all cases together, before the report is fitted to its size."""

logger = logging.getLogger(__name__)


class OutputError(KnownError):
    """There is no place for the result."""


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(InferenceOptions):
    """Score a checkpoint on scans with labels, each on its own grid."""

    source: Path
    """Data set in the layout of the Medical Segmentation Decathlon (MSD)."""
    out: Path
    """Folder for `metrics.json`, `cases.csv`, `report.html` and `config.yaml`."""
    subset: Literal["auto", "validation", "training", "test"] = "auto"
    """`validation`: the cases that the training held out; `training`: all of imagesTr; `test`:
    imagesTs with labelsTs; `auto`: `validation` where the source has such cases, otherwise
    `training`."""
    cases: tuple[str, ...] = ()
    """Score only these cases of the subset, by name."""


def main(options: EvaluateOptions) -> dict[str, Any]:
    """Score the cases, write the results and return the scores with what they mean."""
    from lungseg.evaluation.case_choice import choose_cases
    from lungseg.inference.infer import pick_device
    from lungseg.inference.model_file import load_model
    from lungseg.report.evaluation import render
    from lungseg.scores.case_score import metrics

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
            chapters, result, warnings=warnings, facts=_facts(options, model, result, device)
        ),
    }
    _write(options, texts)
    left_out = ("cases", "recipe", "dice_pooled_soft_definition", "checkpoint_sha256")
    said = {name: value for name, value in result.items() if name not in left_out}
    return {**said, "report": str(options.out / "report.html")}


def cautions(
    scores: Sequence["CaseScore"], metrics: Mapping[str, Any], *, own_threshold: float
) -> list[str]:
    """What a reader must know before believing the numbers, one sentence each."""
    trained = [score.case for score in scores if score.role == "training"]
    chose = [score.case for score in scores if score.role == "validation"]
    lost = [f"{score.case} ({score.fn_dropped} voxels)" for score in scores if score.fn_dropped]
    sentences = (
        (
            trained,
            "The model was trained on these scans, so that their scores say nothing about new "
            f"ones: {_listed(trained)}.",
        ),
        (
            chose,
            "These scans are validation cases, by which the training chose its best epoch; expect "
            f"a little less on new ones: {_listed(chose)}.",
        ),
        (lost, f"Tumor in slices that the recipe drops counts as missed: {_listed(lost)}."),
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


def _listed(names: Sequence[str], *, most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with the same names as the text of a CSV file."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _examined(
    cases: Sequence["Case"],
    model: "LoadedModel",
    device: "torch.device",
    threshold: float,
    batch_size: int,
) -> list["Chapter"]:
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    from lungseg.evaluation.of_case import examine

    num_frames = min(60, max(4, NUM_FRAMES // len(cases)))
    chapters = []
    with logging_redirect_tqdm():
        for case in tqdm(cases, unit="case", disable=None):
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
    return chapters


def _facts(
    options: EvaluateOptions,
    model: "LoadedModel",
    result: Mapping[str, Any],
    device: "torch.device",
) -> dict[str, "Facts"]:
    """Tables of the report that say how the numbers were made."""
    environment = {
        "Python": platform.python_version(),
        "platform": platform.platform(),
        "device": str(device),
        **{name: version(name) for name in ("lungseg", "torch", "numpy", "opencv-python-headless")},
    }
    checkpoint = {
        "file": result["checkpoint"],
        "sha256": result["checkpoint_sha256"],
        "trained on": ", ".join(model.training_cases),
        "validated on": ", ".join(model.validation_cases),
        **model.options,
    }
    return {
        "Options of this evaluation": flat_values(options),
        "Recipe: from scan to slices": result["recipe"],
        "Checkpoint and options of its training": checkpoint,
        "Environment": environment,
    }


def _write(options: EvaluateOptions, texts: Mapping[str, str]) -> None:
    """Put all files in place once all are whole."""
    out = options.out
    staging = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        staging.mkdir(parents=True)
        for name, text in texts.items():
            (staging / name).write_text(text, encoding="utf-8")
        save_config(options, staging / "config.yaml")
        out.mkdir(exist_ok=True)
        for path in staging.iterdir():
            path.replace(out / path.name)
    except OSError as error:
        raise OutputError(
            f"--out {out} cannot be written ({error.strerror}): choose a folder that can"
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


if __name__ == "__main__":
    run(
        EvaluateOptions,
        main,
        prog="python -m lungseg.evaluate",
        description="Score a checkpoint on scans with labels: Dice per case, on each scan's own "
        "grid; leaves metrics.json, cases.csv and a report.html to open in a browser.",
    )
