"""Overlap losses are fractions of sums over the batch, or over all ranks."""

import pytest
import torch

from lungseg.losses.overlap import SMOOTH, dice, focal_tversky, tversky

LOSSES = [dice, tversky, focal_tversky]
SURE = 200.0


def sure(mask):
    """Logits of a net that is certain of a mask."""
    return torch.where(mask > 0, SURE, -SURE)


def masks(tp, fp, fn):
    """(prediction, truth) of 20 pixels with these counts."""
    kinds = torch.tensor([0] * tp + [1] * fp + [2] * fn + [3] * (20 - tp - fp - fn))
    shaped = kinds.reshape(2, 1, 2, 5)
    return (shaped < 2).float(), ((shaped == 0) | (shaped == 2)).float()


@pytest.mark.parametrize(
    ("tp", "fp", "fn"), [(0, 0, 0), (3, 0, 0), (3, 2, 1), (0, 4, 0), (1, 0, 9)]
)
def test_of_certain_predictions_they_are_fractions_of_counts(tp, fp, fn):
    found, truth = masks(tp, fp, fn)
    expected = 1 - (2 * tp + 1) / (2 * tp + fp + fn + 1)
    assert dice(sure(found), truth) == pytest.approx(expected)
    index = (tp + SMOOTH) / (tp + 0.2 * fp + 0.9 * fn + SMOOTH)
    weights = {"fp_weight": 0.2, "fn_weight": 0.9}
    assert tversky(sure(found), truth, **weights) == pytest.approx(1 - index, abs=1e-6)
    steeper = focal_tversky(sure(found), truth, gamma=2.0, **weights)
    assert steeper == pytest.approx(max(1 - index, 1e-6) ** 0.5, abs=1e-5)


def test_dice_is_tversky_with_equal_weights_and_focal_tversky_of_gamma_one_is_tversky(make_batch):
    batch = make_batch(soft=True)
    assert dice(*batch) == tversky(*batch, fp_weight=0.5, fn_weight=0.5)
    assert focal_tversky(*batch, gamma=1.0) == tversky(*batch)


def test_missed_tumor_costs_more_than_a_false_one_by_default():
    missed, false = masks(5, 0, 3), masks(5, 3, 0)
    for loss in (tversky, focal_tversky):
        assert loss(sure(missed[0]), missed[1]) > loss(sure(false[0]), false[1])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("soft", [False, True])
def test_gradients_are_those_of_differences(make_batch, loss, soft):
    logits, target = make_batch(soft=soft)
    assert torch.autograd.gradcheck(lambda x: loss(x, target), logits.requires_grad_())


@pytest.mark.parametrize("loss", LOSSES)
def test_slices_in_any_order_and_grouping_are_one_sum(make_batch, loss):
    logits, target = make_batch()
    shuffled = [2, 0, 1]
    torch.testing.assert_close(loss(logits[shuffled], target[shuffled]), loss(logits, target))
    stacked = [part.reshape(1, 1, -1, 5) for part in (logits, target)]
    torch.testing.assert_close(loss(*stacked), loss(logits, target))


@pytest.mark.parametrize("loss", LOSSES)
def test_ranks_that_share_their_sums_learn_as_one_rank_with_all_slices(make_batch, loss):
    logits, target = (part[:2] for part in make_batch())
    whole = logits.clone().requires_grad_()
    expected = loss(whole, target)
    expected.backward()
    sums = []

    def note(mine):
        sums.append(mine.detach())
        return mine

    for rank in (0, 1):
        loss(logits[rank], target[rank], reduce=note)
    for rank in (0, 1):
        mine = logits[rank].clone().requires_grad_()
        found = loss(mine, target[rank], reduce=lambda own, other=sums[1 - rank]: own + other)
        torch.testing.assert_close(found, expected)
        found.backward()
        torch.testing.assert_close(mine.grad, whole.grad[rank])


def test_they_equal_those_of_monai(make_batch):
    losses = pytest.importorskip("monai.losses", reason="MONAI is the oracle")
    given = {"sigmoid": True, "batch": True}
    smooth = {"smooth_nr": 2 * SMOOTH, "smooth_dr": 2 * SMOOTH}
    oracle = losses.DiceLoss(**given, **smooth)
    torch.testing.assert_close(dice(*make_batch()), oracle(*make_batch()))
    weights = {"smooth_nr": SMOOTH, "smooth_dr": SMOOTH, "alpha": 0.3, "beta": 0.7}
    oracle = losses.TverskyLoss(**given, **weights)
    torch.testing.assert_close(tversky(*make_batch()), oracle(*make_batch()))
