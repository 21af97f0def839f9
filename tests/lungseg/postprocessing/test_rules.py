"""What rules say of themselves, and the slices that they can be held on."""

import pytest

from ingest.recipe import Recipe
from lungseg.postprocessing.rules import Rules, RulesError, shows_lung


def test_rules_that_keep_everything_are_none():
    assert not Rules()
    assert all([Rules(lung_hull=True), Rules(smallest_mm3=1), Rules(keep_largest=1)])
    assert Rules().in_words() == "all lesions are kept"


def test_they_survive_a_checkpoint_and_say_what_they_drop():
    rules = Rules(lung_hull=True, smallest_mm3=65.5, keep_largest=2)
    assert Rules(**rules.to_dict()) == rules
    for words in ("outside the lungs' hulls", "under 65.5 mm3", "the 2 largest lesions"):
        assert words in rules.in_words()


def test_lungs_are_asked_for_only_where_slices_show_them():
    narrow = Recipe(clip=(-160, 240))
    assert shows_lung(Recipe())
    assert not shows_lung(narrow)
    Rules(smallest_mm3=9).hold_on(narrow)
    Rules(lung_hull=True).hold_on(Recipe())
    with pytest.raises(RulesError, match=r"clipped to -160 to 240: say --lung-hull no"):
        Rules(lung_hull=True).hold_on(narrow)
