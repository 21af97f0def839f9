"""A trial has the color of its loss, and says what it is."""

from lungseg.options.loss import LOSSES
from tests.toy_trials import outcome
from tune.results.marks import caption, color


def test_the_color_is_the_losss_or_the_first_where_none_is_searched(tmp_path):
    for number, loss in enumerate(LOSSES):
        assert color(outcome(tmp_path, number, 0.5, loss=loss)) == f"loss-{number}"
    plain = outcome(tmp_path, 99, 0.5)
    del plain.values["loss"]
    assert color(plain) == "loss-0"


def test_a_trial_says_number_score_and_values(tmp_path):
    assert caption(outcome(tmp_path, 0, 0.5)) == (
        "trial 0: Dice 0.500, loss dice, lr 0.001, oversample 2.5"
    )
    assert caption(outcome(tmp_path, 1, None, reason="x")).startswith("trial 1: failed, loss")
