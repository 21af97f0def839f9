"""Which slices an epoch draws: laws of the weighted and of the balanced draw."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import WeightedRandomSampler

from shards.order.draw import balanced, class_first, weighted
from shards.order.oversample import oversample_ratio, sample_weights, tumor_share

CHI_SQUARE_LIMIT = 4.0  # standard deviations of chi-square about its mean


def some_tumor(num=1000, every=9):
    return np.arange(num) % every == 4


def generator(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("own", [None, 1.0 + np.arange(1000) % 4])
@pytest.mark.parametrize("oversample", [1.0, 7.5, 0.0])
def test_weighted_draws_are_bit_equal_to_weighted_random_sampler(oversample, own):
    tumor = some_tumor()
    weights = np.where(tumor, oversample, 1.0) * (1.0 if own is None else own)
    expected = WeightedRandomSampler(weights, len(tumor), generator=generator(3))
    drawn = weighted(tumor, oversample, generator(3), own)
    assert drawn.tolist() == list(expected)


@pytest.mark.parametrize("own", [None, 1.0 + np.arange(1000) % 4])
@pytest.mark.parametrize("draw", [weighted, class_first])
def test_no_slice_is_starved(draw, own):
    """Chi-square of how often each slice came, against its share of the weights."""
    tumor, num_epochs = some_tumor(), 200
    counts = np.zeros(len(tumor))
    for epoch in range(num_epochs):
        counts += np.bincount(draw(tumor, 8.0, generator(epoch), own), minlength=len(tumor))
    weights = sample_weights(tumor, 8.0, own)
    expected = num_epochs * len(tumor) * weights / weights.sum()
    freedom = len(tumor) - 1
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi_square - freedom) < CHI_SQUARE_LIMIT * np.sqrt(2 * freedom)


def test_above_the_limit_of_torch_the_class_is_drawn_first(monkeypatch):
    monkeypatch.setattr("shards.order.draw.MAX_CATEGORIES", 100)
    tumor = some_tumor()
    drawn = weighted(tumor, 8.0, generator(0))
    assert drawn.tolist() == class_first(tumor, 8.0, generator(0)).tolist()
    assert abs(tumor[drawn].mean() - 0.5) < 0.08


@pytest.mark.parametrize("tumor", [np.zeros(50, bool), np.ones(50, bool)])
def test_slices_of_one_kind_can_be_drawn(tumor):
    assert oversample_ratio("auto", tumor) == 1.0
    assert len(class_first(tumor, 3.0, generator(0))) == 50
    assert sorted(balanced(tumor, 3.0, seed=0, epoch=4)) == list(range(50))


def test_auto_lets_half_of_the_draws_show_tumor():
    tumor = some_tumor()
    ratio = oversample_ratio("auto", tumor)
    assert ratio == (~tumor).sum() / tumor.sum()
    assert tumor[balanced(tumor, ratio, seed=0, epoch=0)].sum() == len(tumor) // 2


@pytest.mark.parametrize("oversample", [1.0, 3.7, 8.0, 100.0])
def test_balanced_draws_every_slice_of_a_kind_equally_often_or_once_more(oversample):
    """In each epoch, and in all epochs up to it."""
    tumor = some_tumor(num=531)
    total = np.zeros(len(tumor), int)
    for epoch in range(12):
        counts = np.bincount(balanced(tumor, oversample, seed=5, epoch=epoch), minlength=len(tumor))
        assert counts.sum() == len(tumor)
        total += counts
        for seen in (counts, total):
            assert np.ptp(seen[tumor]) <= 1
            assert np.ptp(seen[~tumor]) <= 1


def test_balanced_epochs_are_shuffled_and_depend_on_seed_and_epoch_alone():
    tumor = some_tumor()
    once = balanced(tumor, 8.0, seed=1, epoch=7)
    assert once.tolist() == balanced(tumor, 8.0, seed=1, epoch=7).tolist()
    assert once.tolist() != balanced(tumor, 8.0, seed=1, epoch=8).tolist()
    assert once.tolist() != balanced(tumor, 8.0, seed=2, epoch=7).tolist()
    share_of_batches = tumor[once[:960]].reshape(-1, 32).mean(axis=1)
    assert 0.05 < share_of_batches.std() < 0.13


@given(
    st.lists(st.booleans(), min_size=1, max_size=80),
    st.floats(0.01, 1000),
    st.integers(0, 2**32),
    st.integers(0, 50),
)
def test_any_draw_is_torchs_or_counts_every_kind_exactly(shown, oversample, seed, epoch):
    tumor = np.array(shown)
    drawn = weighted(tumor, oversample, generator(seed))
    weights = [oversample if tumorous else 1.0 for tumorous in shown]
    sampler = WeightedRandomSampler(weights, len(tumor), generator=generator(seed))
    assert drawn.tolist() == list(sampler)
    even = balanced(tumor, oversample, seed=seed, epoch=epoch)
    share = tumor_share(tumor, oversample)
    assert np.isclose(share, np.dot(weights, tumor) / np.sum(weights))
    assert tumor[even].sum() == round(len(tumor) * share)
    assert len(even) == len(tumor)


def test_at_the_limit_of_torch_the_draw_is_still_torchs_own(monkeypatch):
    tumor = some_tumor(100)
    monkeypatch.setattr("shards.order.draw.MAX_CATEGORIES", len(tumor))
    expected = WeightedRandomSampler(sample_weights(tumor, 8.0), 100, generator=generator(3))
    assert weighted(tumor, 8.0, generator(3)).tolist() == list(expected)


def test_a_weight_of_a_slices_own_is_how_often_it_comes_against_an_equal_one():
    tumor, own = np.zeros(20, bool), np.ones(20)
    own[3] = 5.0
    assert tumor_share(tumor, 4.0, own) == 0
    counts = np.bincount(
        np.concatenate([weighted(tumor, 1.0, generator(k), own) for k in range(2000)])
    )
    assert counts[3] / np.delete(counts, 3).mean() == pytest.approx(5, rel=0.03)
