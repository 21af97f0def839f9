"""`--storage FILE`: the trials of a search as an Optuna journal, for optuna-dashboard."""

import datetime
import warnings
from collections.abc import Iterable
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from shards.console.whole import whole_or_nothing
from tune.history.memory import SCORE, TrialRecord
from tune.options.space import Space

_STATES = {"finished": TrialState.COMPLETE, "ended early": TrialState.PRUNED}


def write_storage(path: Path, records: Iterable[TrialRecord], space: Space, *, name: str) -> None:
    """Write the trials that are over, whole or not at all.

    Args:
        path: The file; an old one is replaced.
        records: The trials.
        space: Where their values lie.
        name: Of the study.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with whole_or_nothing(path) as unfinished, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        storage = JournalStorage(JournalFileBackend(str(unfinished)))
        study = optuna.create_study(storage=storage, study_name=name, direction="maximize")
        study.add_trials([_frozen(r, space) for r in records if r.status is not None])


def _frozen(record: TrialRecord, space: Space) -> FrozenTrial:
    state = _STATES.get(record.status or "", TrialState.FAIL)
    trial = create_trial(
        state=state,
        value=record.last[SCORE] if record.last and state != TrialState.FAIL else None,
        params=record.values,
        distributions=space.distributions(record.values),
        intermediate_values={epoch: r["dice_case_mean"] for epoch, r in record.reports.items()},
        user_attrs={"trial": record.number, "reason": record.reason},
    )
    if record.stints:
        trial.datetime_start = datetime.datetime.fromtimestamp(record.stints[0].begun)
        trial.datetime_complete = datetime.datetime.fromtimestamp(record.stints[-1].until)
    return trial
