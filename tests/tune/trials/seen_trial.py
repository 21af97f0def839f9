"""A trial whose ranks note their processes and the slices of each step, in the trial's folder.

The first trial stands still at the step `HELD`, in its second epoch.
"""

import os

from lungseg.training import run as training
from tests.toy_training import Held, Seen
from tune.options.settings import trial_folder
from tune.trials import rank as ranks
from tune.trials import together, trial

HELD = 9


def run_trial(config, *, search, shape):
    folder = trial_folder(search.out, config["number"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "seen-supervisor").write_text(str(os.getpid()))
    together.train_rank = train_rank
    trial.run_trial(config, search=search, shape=shape)


def train_rank(work, rank):
    folder = work.options.run.out.parent
    (folder / f"seen-{rank.place.number}").write_text(str(os.getpid()))
    real = training.fit

    def fit(options, *, callbacks, world):
        noting = [Held(folder, [HELD] if folder.name == "000" else []), Seen(folder / "seen")]
        return real(options, callbacks=[*callbacks, *noting], world=world)

    training.fit = fit
    try:
        ranks.train_rank(work, rank)
    finally:
        training.fit = real
