"""Find tumor in scans: a mask on each scan's own grid, and on request an animation."""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch

from ingest.case import BadCaseError, Case
from ingest.find_scans import find_scans
from lungseg.inference.ensemble import load_ensemble
from lungseg.inference.errors import PredictError
from lungseg.inference.infer import Model, pick_device
from lungseg.inference.ledger import NAME, Ledger
from lungseg.inference.one_scan import predict_one
from lungseg.inference.options import PredictOptions
from lungseg.inference.outputs.mask import refuse_format
from lungseg.inference.outputs.targets import spare_scans
from shards.console.command import save_config
from shards.console.progress import progress
from shards.console.words import counted

logger = logging.getLogger(__name__)


def predict(options: PredictOptions) -> dict[str, Any]:
    """Predict every scan; one that cannot be read does not keep the others from being done."""
    scans = find_scans(options.input)
    spare_scans(scans, options)
    refuse_format(scans, options)
    device = pick_device(options.device)
    paths = (options.checkpoint, *options.average_with)
    model = load_ensemble(paths, flips=options.flips, device=device)
    ledger = Ledger(options, model.sha256)
    left = ledger.left(scans)
    if len(left) < len(scans):
        logger.info("%d of %d scans are done already", len(scans) - len(left), len(scans))
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        save_config(options, options.out / "config.yaml")
        result = _predict_all(left, model, options, device, ledger)
        ledger.finish()
    except OSError as error:
        raise PredictError(
            f"--out {options.out} cannot be written ({error.strerror}): choose a folder that can"
        ) from error
    if left and not result["predicted"]:
        raise PredictError(f"no scan could be read: {'; '.join(result['failed'].values())}")
    skipped = [scan.name for scan in scans if scan not in left]
    table = str(options.out / NAME)
    return {"out": str(options.out), "table": table, "skipped": skipped, **result}


def _predict_all(
    scans: Sequence[Case],
    model: Model,
    options: PredictOptions,
    device: torch.device,
    ledger: Ledger,
) -> dict[str, Any]:
    done: dict[str, dict[str, Any]] = {}
    failed: dict[str, str] = {}
    with progress(None, unit="slice") as bar:
        for number, scan in enumerate(scans, start=1):
            step = partial(bar.step, f"{scan.name} ({number}/{len(scans)})")
            ledger.begin(scan)
            try:
                done[scan.name] = predict_one(scan, model, options, device=device, step=step)
            except BadCaseError as error:
                failed[scan.name] = str(error)
                ledger.failed(scan, str(error))
                logger.error("%s failed: %s", scan.name, error)
            else:
                ledger.done(scan, done[scan.name])
                logger.info("%s: %s", scan.name, _in_words(done[scan.name]))
    return {"predicted": done, "failed": failed} | ({"exit_code": 1} if failed else {})


def _in_words(done: dict[str, Any]) -> str:
    unread = ""
    if done["slices_unread"]:
        unread = (
            f", {done['slices_unread']} of {done['slices']} slices unread as in the training "
            "(--all-slices reads them)"
        )
    found = f"{done['tumor_ml']:.2f} mL called tumor in {counted(len(done['lesions']), 'lesion')}"
    return f"{found}{unread}; wrote {', '.join(done['files'])}"
