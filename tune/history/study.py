"""What to try next: TPE (Bergstra et al. 2011) on the trials so far, by Optuna."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState, create_trial

from tune.options.space import Point, Space


class Study:
    """Suggests points; trials that run count as poor ones, so that suggestions spread out.

    A suggestion depends on the seed, on its number and on what was told before: a search that
    goes on after a kill suggests what it would have suggested without.

    Args:
        space: Where to search.
        first: The first suggestions, moved into the space.
        seed: Of the suggestions.
        at_random: How many trials are known good points or drawn at random, before what was
            learned from them leads; a quarter of a search is a good share.
    """

    def __init__(
        self, space: Space, *, first: Sequence[Mapping[str, Any]], seed: int, at_random: int
    ) -> None:
        self._space, self._seed, self._at_random = space, seed, at_random
        points = [space.nearest(point) for point in first]
        self._first = [point for n, point in enumerate(points) if point not in points[:n]]
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._study = optuna.create_study(direction="maximize")

    def suggest(self) -> Point:
        """The values of the next trial, which runs from now on."""
        number = len(self._study.trials)
        if number < len(self._first):
            self.add(self._first[number])
            return self._first[number]
        entropy = np.random.SeedSequence([self._seed, number])
        self._study.sampler = _sampler(int(entropy.generate_state(1)[0]), self._at_random)
        return self._space.suggest(self._study.ask())

    def add(self, point: Point) -> None:
        """Take a suggestion of an earlier process as the next trial, which runs."""
        self._study.add_trial(
            create_trial(
                state=TrialState.RUNNING,
                params=point,
                distributions=self._space.distributions(point),
            )
        )

    def tell(self, number: int, score: float | None, *, of_part: int | None = None) -> None:
        """Learn how a trial ended.

        Args:
            number: Of the trial, in the order of suggestions.
            score: Higher is better; None where its settings were not to blame.
            of_part: Where the score is of other cases than that of a whole trial: how far it came.
                Such trials count as poorer than whole ones, and among them those that came less
                far.
        """
        if score is None:
            self._study.tell(number, state=TrialState.FAIL)
        elif of_part is None:
            self._study.tell(number, score)
        else:
            told = optuna.Trial(self._study, self._study.trials[number]._trial_id)  # noqa: SLF001
            told.report(score, of_part)
            self._study.tell(number, state=TrialState.PRUNED)


def _sampler(seed: int, at_random: int) -> optuna.samplers.TPESampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(
            seed=seed,
            n_startup_trials=at_random,
            multivariate=True,
            group=True,
            constant_liar=True,
        )
