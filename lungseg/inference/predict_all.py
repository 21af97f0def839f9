"""Find tumor in scans: a mask on each scan's own grid, and on request an animation."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
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
from lungseg.inference.spread import spread
from shards.console.command import save_config
from shards.console.progress import progress
from shards.console.words import counted

logger = logging.getLogger(__name__)

Place = tuple[Model, torch.device]


def predict(options: PredictOptions) -> dict[str, Any]:
    """Predict every scan; one that cannot be read does not keep the others from being done."""
    scans = find_scans(options.input)
    spare_scans(scans, options)
    refuse_format(scans, options)
    places = _places(options)
    ledger = Ledger(options, places[0][0].sha256)
    left = ledger.left(scans)
    if len(left) < len(scans):
        logger.info("%d of %d scans are done already", len(scans) - len(left), len(scans))
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        save_config(options, options.out / "config.yaml")
        result = _predict_all(left, places, options, ledger)
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


def _places(options: PredictOptions) -> list[Place]:
    """The model on each device that is to be used; a device that is named twice has it once."""
    paths = (options.checkpoint, *options.average_with)
    devices = [pick_device(name) for name in options.devices or (options.device,)]
    models = {
        device: load_ensemble(
            paths, device=device, flips=options.flips, precision=options.precision
        )
        for device in dict.fromkeys(devices)
    }
    return [(models[device], device) for device in devices]


def _predict_all(
    scans: Sequence[Case], places: Sequence[Place], options: PredictOptions, ledger: Ledger
) -> dict[str, Any]:
    one_at_a_time = threading.Lock()  # for the ledger and the bar

    def work(
        scan: Case, place: Place, check_stop: Callable[[], None]
    ) -> dict[str, Any] | BadCaseError:
        def step() -> None:
            check_stop()
            with one_at_a_time:
                bar.step(f"{scan.name} ({len(outcomes) + 1}/{len(scans)})")

        with one_at_a_time:
            ledger.begin(scan)
        try:
            result = predict_one(scan, place[0], options, device=place[1], step=step)
        except BadCaseError as error:
            with one_at_a_time:
                ledger.failed(scan, str(error))
            return error
        with one_at_a_time:
            ledger.done(scan, result)
        return result

    outcomes: dict[int, dict[str, Any] | BadCaseError] = {}
    with progress(None, unit="slice") as bar:
        for position, outcome in spread(work, scans, places):
            outcomes[position] = outcome
            _tell(scans[position], outcome)
    return _told(scans, outcomes)


def _tell(scan: Case, outcome: dict[str, Any] | BadCaseError) -> None:
    if isinstance(outcome, BadCaseError):
        logger.error("%s failed: %s", scan.name, outcome)
    else:
        logger.info("%s: %s", scan.name, _in_words(outcome))


def _told(
    scans: Sequence[Case], outcomes: Mapping[int, dict[str, Any] | BadCaseError]
) -> dict[str, Any]:
    done, failed = {}, {}
    for position, scan in enumerate(scans):
        outcome = outcomes[position]
        if isinstance(outcome, BadCaseError):
            failed[scan.name] = str(outcome)
        else:
            done[scan.name] = outcome
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
