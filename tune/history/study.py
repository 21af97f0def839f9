"""What to try next: TPE (Bergstra et al. 2011) on the trials so far, by Optuna."""

import warnings

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import TrialState, create_trial

from tune.options.space import Point, Space


class Study:
    """Suggests points; trials that run count as poor ones, so that suggestions spread out.

    A suggestion depends on the seed, on its number and on what was told before: a search that
    goes on after a kill suggests what it would have suggested without.

    Args:
        space: Where to search.
        first: The first suggestion, moved into the space.
        seed: Of the suggestions.
    """

    def __init__(self, space: Space, *, first: Point, seed: int) -> None:
        self._first = space.nearest(first)
        self._distributions: dict[str, BaseDistribution] = space.distributions()
        self._seed = seed
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._study = optuna.create_study(direction="maximize")

    def suggest(self) -> Point:
        """The values of the next trial, which runs from now on."""
        number = len(self._study.trials)
        if number == 0:
            self.add(self._first)
            return self._first
        entropy = np.random.SeedSequence([self._seed, number])
        self._study.sampler = _sampler(int(entropy.generate_state(1)[0]))
        return dict(self._study.ask(self._distributions).params)

    def add(self, point: Point) -> None:
        """Take a suggestion of an earlier process as the next trial, which runs."""
        self._study.add_trial(
            create_trial(state=TrialState.RUNNING, params=point, distributions=self._distributions)
        )

    def tell(self, number: int, score: float | None) -> None:
        """Learn how a trial ended.

        Args:
            number: Of the trial, in the order of suggestions.
            score: Higher is better; None where its settings were not to blame.
        """
        if score is None:
            self._study.tell(number, state=TrialState.FAIL)
        else:
            self._study.tell(number, score)


def _sampler(seed: int) -> optuna.samplers.TPESampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)
