"""The learning rate at each step, as a share of the highest: pure functions of the step."""

import math

_RISE = 0.3
_START, _END = 1 / 25, 1 / 25e4
_POWER = 0.9


def factor(step: int, *, kind: str, num_steps: int, warm_up: float) -> float:
    """Share of the highest learning rate with which a step is taken.

    Args:
        step: 0-based.
        kind: `cosine` and `poly` (to the power 0.9, Isensee et al. 2021) fall to 0 at `num_steps`,
            `constant` stays, `one_cycle` rises from 1/25 over 30 % of the steps and falls to about
            0 (Smith and Topin 2017, arXiv 1708.07120).
        num_steps: Steps of the whole training.
        warm_up: Share of them over which the others rise linearly, at least one step.

    Returns:
        From 0 to 1.
    """
    if kind == "one_cycle":
        return _one_cycle(step, num_steps)
    num_rising = max(1, round(warm_up * num_steps))
    if step < num_rising:
        return (step + 1) / num_rising
    gone = min(1.0, (step - num_rising) / max(1, num_steps - num_rising))
    falls = {"cosine": _between(1.0, 0.0, gone), "poly": float((1 - gone) ** _POWER)}
    return falls.get(kind, 1.0)


def _one_cycle(step: int, num_steps: int) -> float:
    """As torch's OneCycleLR, whose last step is `num_steps` - 1."""
    top, end = max(1.0, _RISE * num_steps - 1), max(2.0, num_steps - 1.0)
    if step <= top:
        return _between(_START, 1.0, step / top)
    return _between(1.0, _END, min(1.0, (step - top) / (end - top)))


def _between(first: float, last: float, share: float) -> float:
    """Half a cosine from one value to another."""
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * share))
