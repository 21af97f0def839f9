"""Validation Dice, whatever the order, the batches and the ranks."""

from typing import NamedTuple

import numpy as np
import pytest
import torch

from lungseg.scores.case_counts import CaseCounts
from lungseg.scores.dice import GUARDED_DEFINITION, dice, guarded_dice, soft_dice, summarize
from lungseg.scores.validation_dice import CaseDice


class Stretch(NamedTuple):
    number: int
    case: int
    slices: np.ndarray


SIZES = (5, 2, 4)  # slices of three cases
RNG = np.random.default_rng(0)
LOGITS = torch.tensor(RNG.normal(0, 2, (11, 1, 6, 7)), dtype=torch.float32)
TRUTH = torch.tensor(RNG.integers(0, 2, (11, 1, 6, 7)), dtype=torch.uint8)
CASE_OF = np.repeat(np.arange(3), SIZES)
THRESHOLD = 0.3
VOXEL_ML = (0.5, 2.0, 0.25)


def stretches(length):
    """All slices, cut within each case."""
    parts = [
        (case, rows[start : start + length])
        for case in range(3)
        for rows in [np.flatnonzero(case == CASE_OF)]
        for start in range(0, len(rows), length)
    ]
    return [Stretch(number, case, rows) for number, (case, rows) in enumerate(parts)]


def metric(parts, num_stretches):
    made = CaseDice(
        ("a", "b", "c"),
        num_slices=11,
        num_stretches=num_stretches,
        threshold=THRESHOLD,
        voxel_ml=VOXEL_ML,
    )
    for part in parts:
        made.update(LOGITS[part.slices], TRUTH[part.slices], part)
    return made


def by_hand():
    found = (LOGITS.sigmoid() >= THRESHOLD).numpy()
    truth = TRUTH.numpy() > 0
    rows = []
    for case in range(3):
        f, t = found[case == CASE_OF], truth[case == CASE_OF]
        rows.append(((f & t).sum(), (f & ~t).sum(), (~f & t).sum()))
    return np.array(rows)


@pytest.mark.parametrize("length", [1, 2, 16])
def test_scores_equal_those_counted_by_hand_whatever_the_batches(length):
    parts = stretches(length)
    result = metric(parts[::-1], len(parts)).compute()
    counts = by_hand()
    probability = LOGITS.double().sigmoid().numpy()
    truth = TRUTH.numpy()
    soft = soft_dice((probability * truth).sum(), probability.sum() + truth.sum())
    assert result.pop("dice_pooled_soft") == pytest.approx(soft, abs=1e-12)
    names = dict(zip("abc", counts.tolist(), strict=True))
    assert result.pop("dice_per_case") == {name: dice(*row) for name, row in names.items()}
    for number, case in enumerate(result.pop("cases")):
        assert CaseCounts(**case) == CaseCounts(
            case="abc"[number],
            **dict(zip(("tp", "fp", "fn"), counts[number].tolist(), strict=True)),
            false_volume_ml=counts[number, 1] * VOXEL_ML[number],
        )
    false_ml = float((counts[:, 1] * VOXEL_ML).mean())
    assert result.pop("false_volume_ml") == pytest.approx(false_ml, rel=1e-12)
    assert result.pop("dice_guarded") == guarded_dice(counts, VOXEL_ML)[0]
    assert result.pop("dice_guarded_definition") == GUARDED_DEFINITION
    assert result == summarize(counts)


def test_states_of_ranks_add_up_to_those_of_one():
    parts = stretches(2)
    one = metric(parts, len(parts))
    halves = [metric(parts[rank::2], len(parts)) for rank in range(2)]
    for name in ("counts", "soft_sums", "seen"):
        assert torch.equal(getattr(one, name), sum(getattr(half, name) for half in halves))


def test_a_slice_seen_twice_or_never_is_noticed():
    parts = stretches(1)
    with pytest.raises(RuntimeError, match="1 of 11 slices were not validated just once"):
        metric(parts[1:], len(parts)).compute()
    with pytest.raises(RuntimeError, match="3 of 11 slices"):
        metric([*parts, *parts[:3]], len(parts)).compute()


@pytest.mark.parametrize(("probability", "score"), [(0.31, 1.0), (0.29, 0.0)])
def test_tumor_begins_at_the_threshold(probability, score):
    made = CaseDice(("a",), num_slices=1, num_stretches=1, threshold=THRESHOLD, voxel_ml=(1.0,))
    logits = torch.logit(torch.full((1, 1, 1, 1), probability))
    made.update(logits, torch.ones(1, 1, 1, 1), Stretch(0, 0, np.arange(1)))
    assert made.compute()["dice_per_case"] == {"a": score}


def test_a_logit_at_the_threshold_is_tumor():
    made = CaseDice(("a",), num_slices=1, num_stretches=1, threshold=0.5, voxel_ml=(1.0,))
    made.update(torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1), Stretch(0, 0, np.arange(1)))
    assert made.compute()["dice_per_case"] == {"a": 1.0}


def test_what_ranks_have_seen_adds_up_to_what_one_has():
    parts = stretches(2)
    first, second = metric(parts[::2], len(parts)), metric(parts[1::2], len(parts))
    first.merge_state(second)  # as the reduction over ranks
    assert first.compute() == metric(parts, len(parts)).compute()


def test_counts_are_exact_beyond_what_floats_can_count():
    parts = stretches(16)
    made = metric(parts, len(parts))
    before = made.counts.clone()
    made.counts += 2**53
    made.seen[parts[0].slices] -= 1
    made.update(LOGITS[parts[0].slices], TRUTH[parts[0].slices], parts[0])
    assert (made.counts[0] == before[0] * 2 + 2**53).all()
    assert made.seen.dtype == torch.int64


def test_the_soft_sums_of_a_stretch_in_two_batches_are_those_of_one():
    (part,) = [part for part in stretches(16) if part.case == 0]
    whole, halves = metric([part], 3), metric([], 3)
    for rows in (part.slices[:2], part.slices[2:]):
        halves.update(LOGITS[rows], TRUTH[rows], Stretch(part.number, part.case, rows))
    torch.testing.assert_close(halves.soft_sums, whole.soft_sums, rtol=1e-12, atol=0)


def test_the_false_volume_of_one_case_is_its_own():
    one = CaseDice(("a",), num_slices=1, num_stretches=1, threshold=0.5, voxel_ml=(0.5,))
    one.update(torch.ones(1, 1, 2, 3), torch.zeros(1, 1, 2, 3), Stretch(0, 0, np.array([0])))
    assert one.compute()["false_volume_ml"] == 6 * 0.5
