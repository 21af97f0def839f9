"""What the winner of a search is worth: trained again beside the settings that it began with."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lungseg.scores.intervals import mean_interval

Pair = tuple[float | None, float | None]


@dataclass(frozen=True, kw_only=True)
class Repeated:
    """One setting, trained several times.

    Attributes:
        scores: Dice per case of each training.
        mean: Of them.
        sd: Their standard deviation.
    """

    scores: list[float]
    mean: float
    sd: float


@dataclass(frozen=True, kw_only=True)
class Worth:
    """The first and the best settings over the same seeds or folds.

    Attributes:
        by: `seeds` or `folds`.
        asked: What `--refit` was.
        first: The settings that the search began with.
        best: Those of the best trial; None where they are the first.
        difference: Mean of best less first, pair by pair.
        ci95: Its interval, by Student's t over the pairs.
    """

    by: str
    asked: int | str
    first: Repeated
    best: Repeated | None
    difference: float | None
    ci95: list[float] | None

    @property
    def n(self) -> int:
        """Trainings of each setting."""
        return len(self.first.scores)

    @property
    def verdict(self) -> str:
        """What may be said, in words."""
        if self.ci95 is None:
            return "nothing better than the first settings was found"
        low, high = self.ci95
        if low > 0:
            return "the best settings are better than the first"
        return (
            "the best settings are worse than the first"
            if high < 0
            else "no evidence that the best settings are better than the first"
        )

    @property
    def headline(self) -> str:
        """The verdict with its numbers, in a line."""
        first = f"{self.first.mean:.3f} ± {self.first.sd:.3f}"
        if self.best is None or self.ci95 is None:
            return f"{self.verdict}: Dice per case {first} over {self.n} {self.by}"
        low, high = self.ci95
        best = f"{self.best.mean:.3f} ± {self.best.sd:.3f}"
        return (
            f"{self.verdict}: Dice per case {best} against {first} over {self.n} {self.by}, "
            f"difference {self.difference:+.3f} ({low:+.3f} to {high:+.3f})"
        )

    def plain(self) -> Mapping[str, Any]:
        """For result.json."""
        return {**asdict(self), "n": self.n, "verdict": self.verdict}


def worth_of(
    pairs: Sequence[Pair], *, by: str, asked: int | str, best_is_first: bool
) -> Worth | None:
    """Compare the settings by the seeds or folds on which both trainings ended.

    Args:
        pairs: Dice of the first and of the best settings; None where a training failed.
        by: `seeds` or `folds`.
        asked: What `--refit` was.
        best_is_first: Whether both are the same; then the second of each pair is left out.

    Returns:
        The comparison; None where fewer than two pairs are whole.
    """
    whole = [
        pair for pair in pairs if pair[0] is not None and (best_is_first or pair[1] is not None)
    ]
    if len(whole) < 2:
        return None
    first = _repeated([pair[0] for pair in whole])
    if best_is_first:
        return Worth(by=by, asked=asked, first=first, best=None, difference=None, ci95=None)
    best = _repeated([pair[1] for pair in whole])
    differences = [two - one for one, two in zip(first.scores, best.scores, strict=True)]
    return Worth(
        by=by,
        asked=asked,
        first=first,
        best=best,
        difference=statistics.mean(differences),
        ci95=list(mean_interval(differences)),
    )


def _repeated(scores: Sequence[float | None]) -> Repeated:
    known = [score for score in scores if score is not None]
    return Repeated(scores=known, mean=statistics.mean(known), sd=statistics.stdev(known))
