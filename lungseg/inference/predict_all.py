"""Find tumor in scans: a mask on each scan's own grid, and on request an animation."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from ingest.case import BadCaseError, Case
from ingest.find_scans import find_scans
from ingest.slices.source_grid import load_scan, write_mask
from lungseg.inference.animation import write_animation
from lungseg.inference.errors import PredictError
from lungseg.inference.infer import pick_device, predict_scan
from lungseg.inference.model_file import LoadedModel, load_model
from lungseg.inference.options import PredictOptions
from lungseg.inference.targets import check_out, targets_of
from shards.console.command import save_config
from shards.console.progress import progress

logger = logging.getLogger(__name__)


def predict(options: PredictOptions) -> dict[str, Any]:
    """Predict every scan; one that cannot be read does not keep the others from being done."""
    scans = find_scans(options.input)
    check_out(options, scans)

    device = pick_device(options.device)
    model = load_model(options.checkpoint, device=device)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        save_config(options, options.out / "config.yaml")
        return _predict_all(scans, model, options, device)
    except OSError as error:
        raise PredictError(
            f"--out {options.out} cannot be written ({error.strerror}): choose a folder that can"
        ) from error


def _predict_all(
    scans: Sequence[Case], model: LoadedModel, options: PredictOptions, device: torch.device
) -> dict[str, Any]:
    done: dict[str, dict[str, Any]] = {}
    failed: dict[str, str] = {}
    with progress(None, unit="slice") as bar:
        for number, scan in enumerate(scans, start=1):
            watch = partial(bar.step, f"{scan.name} ({number}/{len(scans)})")
            try:
                done[scan.name] = _predict(scan, model, options, device=device, watch=watch)
            except BadCaseError as error:
                failed[scan.name] = str(error)
                logger.error("%s failed: %s", scan.name, error)
            else:
                logger.info("%s: %s", scan.name, _in_words(done[scan.name]))
    if not done:
        raise PredictError(f"no scan could be read: {'; '.join(failed.values())}")
    result = {"out": str(options.out), "predicted": done, "failed": failed}
    return result | ({"exit_code": 1} if failed else {})


def _predict(
    case: Case,
    model: LoadedModel,
    options: PredictOptions,
    *,
    device: torch.device,
    watch: Callable[[], None],
) -> dict[str, Any]:
    """Predict one scan and write what was asked for."""
    scan = load_scan(case, options.reading(model.recipe))
    mask = predict_scan(
        model,
        scan,
        device=device,
        threshold=options.threshold,
        batch_size=options.batch_size,
        watch=lambda *_: watch(),
    )
    mask_path, *gif_path = targets_of(case.name, options)
    for target in gif_path:
        write_animation(case.name, scan, mask, target)
    write_mask(mask, case, mask_path)
    voxels = int(np.count_nonzero(mask))
    return {
        "tumor_voxels": voxels,
        "tumor_ml": round(voxels * float(np.prod(scan.grid.spacing_mm)) / 1000, 4),
        "slices": scan.num_slices,
        "slices_dropped": scan.dropped,
        "files": [target.name for target in (mask_path, *gif_path)],
    }


def _in_words(done: dict[str, Any]) -> str:
    dropped = done["slices_dropped"]
    unseen = f", {dropped} of {done['slices']} slices dropped by the recipe" if dropped else ""
    return f"{done['tumor_ml']:.2f} mL called tumor{unseen}; wrote {', '.join(done['files'])}"
