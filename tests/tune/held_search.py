"""`tune.search` of which a trial stands still after an epoch, while a file named as it says so.

The files lie in the folder `HELD` of the environment; each holds the number of the epoch. Beside it
there is one that ends in `.stands` once the trial does.
"""

import os
import time
from pathlib import Path
from unittest import mock

from tune.trials import trial


def run_trial(config, *, search, shape):
    held, real = Path(os.environ["HELD"], str(config["number"])), trial._fit

    def fit(options, tell):
        def tell_and_stand():
            tell()
            rows = (options.run.out / "metrics.csv").read_text().count("\n") - 1
            while held.exists() and rows == int(held.read_text()):
                held.with_suffix(".stands").touch()
                time.sleep(0.02)

        real(options, tell_and_stand)

    with mock.patch.object(trial, "_fit", fit):
        trial.run_trial(config, search=search, shape=shape)


if __name__ == "__main__":
    import tune.driver
    import tune.run_trials
    from shards.console.command import run
    from tests.tune import held_search  # as the workers import it
    from tune.search import SearchOptions, main

    tune.run_trials.run_trial = held_search.run_trial
    run(SearchOptions, main, prog="python -m tune.search", description="")
