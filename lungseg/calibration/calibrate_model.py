"""Choose a threshold and rules for a checkpoint, on cases that it was not trained on."""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch

from ingest.case import BadCaseError, Case
from lungseg.calibration.choose import (
    DEFINITION,
    LEAST_CASES,
    THRESHOLDS,
    choose,
    gain_of_others,
)
from lungseg.calibration.new_checkpoint import refuse_to_replace, write_new
from lungseg.calibration.options import CalibrateOptions
from lungseg.calibration.setting import Setting
from lungseg.calibration.tally import Tally
from lungseg.calibration.tally_scan import tally_scan
from lungseg.evaluation.by_model import role_of
from lungseg.evaluation.case_choice import choose_cases
from lungseg.inference.ensemble import Ensemble, load_ensemble
from lungseg.inference.infer import Model, pick_device
from lungseg.inference.options import InferenceOptions
from lungseg.postprocessing.rules import shows_lung
from lungseg.scores.dice import GUARDED_DEFINITION
from shards.console.errors import KnownError
from shards.console.interrupt import NOTHING_WRITTEN, kept
from shards.console.progress import progress
from shards.console.words import counted, some

logger = logging.getLogger(__name__)


class CalibrationError(KnownError):
    """There is nothing to choose by."""


def calibrate(options: CalibrateOptions) -> dict[str, Any]:
    """Choose, write the new checkpoint, and return what each step gained."""
    paths = (options.checkpoint, *options.average_with)
    for path in paths:
        refuse_to_replace(options.out, path, overwrite=options.overwrite)
    device = pick_device(options.device)
    model = load_ensemble(paths, device=device, flips=options.flips)
    kind, cases = choose_cases(options, lambda case: role_of(case, model), roi=model.recipe.roi)
    _refuse_trained(cases, model)
    _refuse_few(len(cases), options)
    logger.info("choosing on %s of %s", counted(len(cases), f"{kind} scan"), options.source)
    start = Setting(threshold=model.threshold, **model.rules.to_dict())
    with kept(NOTHING_WRITTEN):
        tallies, failed = _tallies(cases, model, device, options)
    decision = {
        "cases": [tally.case for tally in tallies],
        "chosen_with": list(model.others),
        "failed": failed,
        **_decided(tallies, start, lung_hull=shows_lung(model.recipe)),
    }
    setting = decision.pop("setting")
    write_new(options.checkpoint, options.out, setting, decision)
    result = {"out": str(options.out), **asdict(setting), **decision}
    return result | ({"exit_code": 1} if failed else {})


def _decided(tallies: Sequence[Tally], start: Setting, *, lung_hull: bool) -> dict[str, Any]:
    choice = choose(tallies, start, lung_hull=lung_hull)
    gain = gain_of_others(tallies, start, lung_hull=lung_hull)
    return {
        "setting": choice.setting,
        "n": len(tallies),
        "score_before": float(start.scores(tallies).mean()),
        "score_after": float(choice.setting.scores(tallies).mean()),
        "gain": asdict(gain),
        "verdict": _verdict(choice.setting != start, gain.is_evident),
        "steps": choice.to_dict(),
        "definition": DEFINITION,
        "score": GUARDED_DEFINITION,
    }


def _verdict(changed: bool, evident: bool) -> str:
    if not changed:
        return "no step gains: the setting stays as it was"
    return "scans that did not choose gain" if evident else "no evidence that other scans gain"


def _tallies(
    cases: Sequence[Case], model: Model, device: torch.device, options: CalibrateOptions
) -> tuple[list[Tally], dict[str, str]]:
    """The cases, and by name why others could not be read."""
    thresholds = sorted({*THRESHOLDS, model.threshold})
    batch_size = InferenceOptions(batch_size=options.batch_size).slices_at_once(device.type)
    tallies, failed = [], {}
    with progress(len(cases)) as bar:
        for case in cases:
            try:
                tally = tally_scan(case, model, thresholds, device=device, batch_size=batch_size)
                tallies.append(tally)
            except BadCaseError as error:
                failed[case.name] = str(error)
                logger.error("%s failed: %s", case.name, error)
            bar.step()
    _refuse_few(sum(tally.tumor > 0 for tally in tallies), options)
    return tallies, failed


def _refuse_few(with_tumor: int, options: CalibrateOptions) -> None:
    """Refuse by the scans that may have tumor, before they are read, or by those that have."""
    if with_tumor < LEAST_CASES:
        raise CalibrationError(
            f"a choice needs {LEAST_CASES} scans with tumor at least, {options.source} gave "
            f"{with_tumor}: add scans, or keep the checkpoint as it is"
        )


def _refuse_trained(cases: Sequence[Case], model: Ensemble) -> None:
    trained = [case.name for case in cases if role_of(case.name, model) == "training"]
    if trained:
        raise CalibrationError(
            f"scans that {'a' if len(model.members) > 1 else 'the'} model was trained on cannot "
            f"choose, as {some(trained)}: leave them out with --subset validation or --cases, or "
            "take others with --subset test"
        )
