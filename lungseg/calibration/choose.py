"""Counts of cases -> the setting that raises their mean Dice, one value after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from lungseg.calibration.setting import Scores, Setting
from lungseg.calibration.tally import Tally
from lungseg.scores.intervals import bootstrap_interval

LEAST_CASES = 3
LEAST_GAIN = 0.001
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))
CANDIDATES: Mapping[str, tuple[Any, ...]] = {
    "threshold": THRESHOLDS,
    "lung_hull": (False, True),
    "smallest_mm3": (0.0, 15.0, 35.0, 65.0, 115.0, 270.0, 525.0, 1000.0),  # balls of 3 to 12.5 mm
    "keep_largest": (0, 1, 2, 3, 5),
}
DEFINITION = (
    "each step in turn finds the value with the best mean score, and takes it where other cases "
    f"gain {LEAST_GAIN:g} by it and no more tumors are missed. A gain is measured on cases that "
    "did not choose: each case by the value that the other cases choose, that of all steps "
    "together by the whole choice of the others. Intervals (95 %) are a bootstrap over cases"
)


@dataclass(frozen=True, kw_only=True)
class Gain:
    """How much better cases are by what other cases chose.

    Attributes:
        mean: Of the score.
        ci95: Its interval; None for fewer than three cases.
    """

    mean: float
    ci95: list[float] | None

    @classmethod
    def of(cls, gains: Scores) -> "Gain":
        """From the gain of each case."""
        return cls(mean=float(gains.mean()), ci95=bootstrap_interval(gains.tolist()))

    @property
    def is_evident(self) -> bool:
        """Whether it is a gain wherever in its interval the truth lies."""
        return self.ci95 is not None and self.ci95[0] > 0


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one value was chosen from, and gained.

    Attributes:
        name: Which value.
        before: What it was.
        best: The one that is best for all cases.
        taken: Whether it is taken.
        gain: What the choice gains others.
        missed: Cases in which nothing is found, before and by the best value.
    """

    name: str
    before: Any
    best: Any
    taken: bool
    gain: Gain
    missed: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A setting, and how it came about.

    Attributes:
        setting: The setting.
        steps: In their order.
    """

    setting: Setting
    steps: tuple[Step, ...]

    def to_dict(self) -> list[dict[str, Any]]:
        """The steps as plain data, for a checkpoint."""
        return [asdict(step) | {"missed": list(step.missed)} for step in self.steps]


def choose(tallies: Sequence[Tally], start: Setting, *, lung_hull: bool) -> Choice:
    """Choose a setting, step by step.

    Args:
        tallies: Cases, at least two; they count at `THRESHOLDS` and that of the start.
        start: The setting to better.
        lung_hull: Whether the slices show the lungs.
    """
    setting, steps = start, []
    for name, values in CANDIDATES.items():
        if name != "lung_hull" or lung_hull:
            step = _step(tallies, setting, name, values)
            setting = replace(setting, **{name: step.best}) if step.taken else setting
            steps.append(step)
    return Choice(setting=setting, steps=tuple(steps))


def gain_of_others(tallies: Sequence[Tally], start: Setting, *, lung_hull: bool) -> Gain:
    """What the whole choice gains cases that did not choose.

    Args:
        tallies: As in `choose`, at least three.
        start: Likewise.
        lung_hull: Likewise.
    """
    gains = []
    for place, left_out in enumerate(tallies):
        others = [*tallies[:place], *tallies[place + 1 :]]
        setting = choose(others, start, lung_hull=lung_hull).setting
        gains.append(setting.scores([left_out])[0] - start.scores([left_out])[0])
    return Gain.of(np.array(gains))


def _step(tallies: Sequence[Tally], setting: Setting, name: str, values: Sequence[Any]) -> Step:
    before = getattr(setting, name)
    ways = [setting] + [replace(setting, **{name: value}) for value in values if value != before]
    scores = np.stack([way.scores(tallies) for way in ways], axis=1)
    best = ways[_best(scores.sum(axis=0))]
    gain = Gain.of(_gains(scores))
    missed = setting.missed(tallies), best.missed(tallies)
    return Step(
        name=name,
        before=before,
        best=getattr(best, name),
        taken=best is not setting and gain.mean >= LEAST_GAIN and missed[1] <= missed[0],
        gain=gain,
        missed=missed,
    )


def _gains(scores: Scores) -> Scores:
    """(n,) gain of each case over the first way (n, ways), by the way that the others choose."""
    others = scores.sum(axis=0) - scores
    chosen = [_best(row) for row in others]
    return np.asarray(scores[np.arange(len(scores)), chosen] - scores[:, 0])


def _best(sums: Scores) -> int:
    """The way with the most; of equal ones the first, which changes nothing."""
    return int(np.argmax(sums > sums.max() - 1e-9))
