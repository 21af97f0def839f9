"""Suggestions lie in the space, begin with the plain training and do not depend on kills."""

import math

from tune.history.study import Study
from tune.options.space import Space

SPACE = Space.of_losses(
    ("bce", "dice", "bce_dice"), lr=(1e-4, 1e-2), oversample=(1.0, 30.0), around={}
)
FIRST = {"loss": "bce_dice", "lr": 1e-3, "oversample": 7.5}


def score(point):
    """Best at a learning rate of 0.003 with Dice loss."""
    return 1 - abs(math.log10(point["lr"] / 3e-3)) / 2 - 0.2 * (point["loss"] != "dice")


def suggestions(count, *, seed=0, study=None):
    study = study or Study(SPACE, first=[FIRST], seed=seed, at_random=10)
    for number in range(count):
        point = study.suggest()
        study.tell(number, score(point))
        yield point


def test_the_first_is_the_plain_training_and_all_lie_inside():
    found = list(suggestions(40))
    assert found[0] == FIRST
    for point in found:
        assert SPACE.nearest(point) == point
    assert {point["loss"] for point in found} == {"bce", "dice", "bce_dice"}
    assert len({point["lr"] for point in found}) == 40


def test_it_finds_what_is_better():
    found = list(suggestions(60))
    early, late = found[1:11], found[-10:]
    assert sum(map(score, late)) > sum(map(score, early)) + 1


def test_same_seed_same_suggestions_and_another_seed_others():
    assert list(suggestions(15, seed=3)) == list(suggestions(15, seed=3))
    assert list(suggestions(15, seed=3))[1:] != list(suggestions(15, seed=4))[1:]


def test_a_study_that_was_told_the_same_goes_on_the_same():
    whole = list(suggestions(20))
    for cut in (1, 7, 15):
        again = Study(SPACE, first=[FIRST], seed=0, at_random=10)
        for number, point in enumerate(whole[:cut]):
            again.add(point)
            again.tell(number, score(point))
        assert again.suggest() == whole[cut]


def test_a_failure_that_was_not_the_settings_teaches_nothing():
    told, silent = (Study(SPACE, first=[FIRST], seed=0, at_random=10) for _ in range(2))
    for study, score_of_first in ((told, None), (silent, 0.0)):
        study.suggest()
        study.tell(0, score_of_first)
        for number in range(1, 14):
            study.tell(number, score(study.suggest()))
    assert told.suggest() != silent.suggest()


def test_known_good_points_come_first_each_once():
    better = FIRST | {"lr": 3e-3}
    study = Study(SPACE, first=[FIRST, better, FIRST], seed=0, at_random=4)
    found = list(suggestions(3, study=study))
    assert found[:2] == [FIRST, better]
    assert found[2] not in found[:2]


def test_after_what_is_drawn_at_random_the_best_so_far_leads():
    """With as many drawn at random as there are, nothing that was told makes a difference."""
    for at_random, differs in ((20, False), (3, True)):
        told = [Study(SPACE, first=[FIRST], seed=0, at_random=at_random) for _ in range(2)]
        for study, sign in zip(told, (1, -1), strict=True):
            for number in range(8):
                study.tell(number, sign * score(study.suggest()))
        assert (told[0].suggest() != told[1].suggest()) == differs


def test_conditional_parameters_are_learned_and_survive_a_kill():
    space = Space.of_losses(
        ("dice", "focal", "focal_tversky"), lr=(1e-4, 1e-2), oversample=(1.0, 30.0), around={}
    )
    first = FIRST | {"loss": "focal", "focal_gamma": 2.0}
    whole, again = (Study(space, first=[first], seed=0, at_random=4) for _ in range(2))
    for number in range(20):
        point = whole.suggest()
        whole.tell(number, score(point))
        again.add(point)
        again.tell(number, score(point))
    assert whole.suggest() == again.suggest()


def test_a_score_of_a_part_is_poorer_than_any_of_the_whole_however_high_it_is():
    """Low learning rates have low scores of the whole; do the high ones of the others count?"""
    leads = {}
    for of_part in (None, 3):
        study = Study(SPACE, first=[FIRST], seed=0, at_random=2)
        for number in range(30):
            low = study.suggest()["lr"] < 1e-3
            study.tell(number, 0.1 if low else 0.9, of_part=None if low else of_part)
        leads[of_part] = sum(study.suggest()["lr"] < 1e-3 for _ in range(10))
    assert leads[3] > 5 > leads[None]
