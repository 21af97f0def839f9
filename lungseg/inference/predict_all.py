"""Find tumor in scans: a mask on each scan's own grid, and on request an animation."""

import logging
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from typing import Any

import torch

from ingest.case import BadCaseError, Case
from ingest.find_scans import find_scans
from lungseg.inference.ensemble import load_ensemble
from lungseg.inference.errors import PredictError
from lungseg.inference.infer import Model, pick_device
from lungseg.inference.ledger import NAME, Ledger
from lungseg.inference.on_cluster import Outcome, predicted
from lungseg.inference.one_scan import predict_one
from lungseg.inference.options import PredictOptions
from lungseg.inference.outputs.mask import refuse_format
from lungseg.inference.outputs.targets import spare_scans
from lungseg.inference.spread import spread
from shards.console.command import save_config
from shards.console.interrupt import kept
from shards.console.progress import progress
from shards.console.words import counted
from shards.storage.target import locked, open_target

logger = logging.getLogger(__name__)

Place = tuple[Model, torch.device]

_KEPT = "scans that are done are kept, the same command with --skip-done goes on"


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
        with locked(open_target(str(options.out))):
            save_config(options, options.out / "config.yaml")
            with kept(_KEPT):
                result = _told(left, _outcomes(left, places, options, ledger))
    except OSError as error:
        raise PredictError(
            f"--out {options.out} cannot be written ({error.strerror}): choose a folder that can"
        ) from error
    if left and not result["predicted"]:
        raise PredictError(f"no scan could be read: {'; '.join(result['failed'].values())}")
    skipped = [scan.name for scan in scans if scan not in left]
    table = str(options.out / NAME)
    return {"out": str(options.out), "table": table, "skipped": skipped, **result}


def _outcomes(
    scans: Sequence[Case], places: Sequence[Place], options: PredictOptions, ledger: Ledger
) -> Generator[tuple[int, Outcome]]:
    """Predict, and yield the position of each scan as it is done; the tables end whole."""
    try:
        if options.address is None:
            yield from _here(scans, places, options, ledger)
        else:
            yield from _on_cluster(scans, places[0][0], options, ledger)
    finally:
        ledger.finish()


def _places(options: PredictOptions) -> list[Place]:
    """The model on each device that is to be used; a device that is named twice has it once.

    For a cluster it is loaded on the processor here, to be known.
    """
    paths = (options.checkpoint, *options.average_with)
    here = (options.device,) if options.address is None else ("cpu",)
    devices = [pick_device(name) for name in options.devices or here]
    models = {
        device: load_ensemble(
            paths, device=device, flips=options.flips, precision=options.precision
        )
        for device in dict.fromkeys(devices)
    }
    return [(models[device], device) for device in devices]


def _here(
    scans: Sequence[Case], places: Sequence[Place], options: PredictOptions, ledger: Ledger
) -> Generator[tuple[int, Outcome]]:
    """Predict on this machine's devices, and yield the position of each scan as it is done."""
    one_at_a_time = threading.Lock()  # for the ledger and the bar
    num_slices: dict[str, int] = {}
    finished: list[int] = []

    def work(scan: Case, place: Place, check_stop: Callable[[], None]) -> Outcome:
        def step(of_scan: int) -> None:
            check_stop()
            with one_at_a_time:
                num_slices[scan.name] = of_scan
                bar.expect(round(sum(num_slices.values()) / len(num_slices) * len(scans)))
                bar.step(f"{scan.name} ({len(finished) + 1}/{len(scans)})")

        with one_at_a_time:
            ledger.begin(scan)
        outcome = _outcome(scan, place, options, step)
        with one_at_a_time:
            _note(ledger, scan, outcome)
        return outcome

    with progress(None, unit="slice") as bar:
        for position, outcome in spread(work, scans, places):
            finished.append(position)
            yield position, outcome


def _outcome(
    scan: Case, place: Place, options: PredictOptions, step: Callable[[int], object]
) -> Outcome:
    try:
        return predict_one(scan, place[0], options, device=place[1], step=step)
    except BadCaseError as error:
        return error


def _on_cluster(
    scans: Sequence[Case], model: Model, options: PredictOptions, ledger: Ledger
) -> Generator[tuple[int, Outcome]]:
    """Predict on a Ray cluster, and yield the position of each scan as it is done."""
    for scan in scans:
        ledger.begin(scan)
    with progress(len(scans), unit="scan") as bar:
        for position, outcome in predicted(scans, options, model.sha256):
            _note(ledger, scans[position], outcome)
            bar.step(scans[position].name)
            yield position, outcome


def _note(ledger: Ledger, scan: Case, outcome: Outcome) -> None:
    if isinstance(outcome, BadCaseError):
        ledger.failed(scan, str(outcome))
    else:
        ledger.done(scan, outcome)


def _told(scans: Sequence[Case], outcomes: Generator[tuple[int, Outcome]]) -> dict[str, Any]:
    """Say of each scan what became of it, and return that in the order of the scans."""
    known: dict[int, Outcome] = {}
    with closing(outcomes):
        for position, outcome in outcomes:
            known[position] = outcome
            _tell(scans[position], outcome)
    done, failed = {}, {}
    for position, scan in enumerate(scans):
        outcome = known[position]
        if isinstance(outcome, BadCaseError):
            failed[scan.name] = str(outcome)
        else:
            done[scan.name] = outcome
    return {"predicted": done, "failed": failed} | ({"exit_code": 1} if failed else {})


def _tell(scan: Case, outcome: Outcome) -> None:
    if isinstance(outcome, BadCaseError):
        logger.error("%s failed: %s", scan.name, outcome)
    else:
        logger.info("%s: %s", scan.name, _in_words(outcome))


def _in_words(done: Mapping[str, Any]) -> str:
    unread = ""
    if done["slices_unread"]:
        unread = (
            f", {done['slices_unread']} of {done['slices']} slices unread as in the training "
            "(--all-slices reads them)"
        )
    found = f"{done['tumor_ml']:.2f} mL called tumor in {counted(len(done['lesions']), 'lesion')}"
    return f"{found}{unread}; wrote {', '.join(done['files'])}"
