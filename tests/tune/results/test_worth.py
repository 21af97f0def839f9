"""No claim inside the noise: what may be said follows the interval of the paired difference."""

import pytest

from tune.results.worth import worth_of


def worth(*pairs, best_is_first=False):
    return worth_of(pairs, by="seeds", asked=len(pairs), best_is_first=best_is_first)


def test_mean_and_standard_deviation_are_of_the_trainings():
    found = worth((0.3, 0.4), (0.4, 0.5), (0.5, 0.6))
    assert (found.first.mean, found.first.sd) == pytest.approx((0.4, 0.1))
    assert found.best.scores == [0.4, 0.5, 0.6]
    assert found.difference == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([(0.30, 0.40), (0.50, 0.61), (0.40, 0.51)], "the best settings are better than the first"),
        ([(0.40, 0.30), (0.61, 0.50), (0.51, 0.40)], "the best settings are worse than the first"),
        (
            [(0.3, 0.5), (0.5, 0.45), (0.4, 0.41)],
            "no evidence that the best settings are better than the first",
        ),
        (
            [(0.3, 0.3), (0.5, 0.5)],
            "no evidence that the best settings are better than the first",
        ),
    ],
)
def test_the_verdict_follows_the_interval(pairs, said):
    found = worth(*pairs)
    assert found.verdict == said
    assert found.ci95[0] <= found.difference <= found.ci95[1]
    assert found.plain()["verdict"] == said


def test_the_interval_is_students():
    """Differences 0.1 and 0.3: mean 0.2, standard error 0.1, quantile 12.706 at one degree."""
    found = worth((0.0, 0.1), (0.0, 0.3))
    assert found.ci95 == pytest.approx((0.2 - 1.2706, 0.2 + 1.2706), abs=1e-3)


def test_pairs_that_are_not_whole_are_left_out_and_one_is_too_few():
    assert worth((0.3, 0.4), (None, 0.5), (0.3, None), (0.4, 0.6)).n == 2
    assert worth((0.3, 0.4), (None, 0.5)) is None


def test_the_first_as_the_best_claims_nothing():
    found = worth((0.3, None), (0.5, None), best_is_first=True)
    assert (found.n, found.best, found.ci95) == (2, None, None)
    assert found.verdict == "nothing better than the first settings was found"


def test_the_headline_says_both_with_their_spread_and_the_interval():
    assert worth((0.0, 0.1), (0.2, 0.4)).headline == (
        "no evidence that the best settings are better than the first: Dice per case 0.250 ± 0.212 "
        "against 0.100 ± 0.141 over 2 seeds, difference +0.150 (-0.485 to +0.785)"
    )
    alone = worth((0.3, None), (0.5, None), best_is_first=True).headline
    assert alone.endswith("found: Dice per case 0.400 ± 0.141 over 2 seeds")
