"""Options and values are said shortly."""

import pytest

from tune.results.words import short, words_of


@pytest.mark.parametrize(
    ("name", "words"),
    [("lr", "learning rate"), ("oversample", "oversampling"), ("weight_decay", "weight decay")],
)
def test_options_have_words(name, words):
    assert words_of(name) == words


@pytest.mark.parametrize(
    ("value", "said"), [(0.00123456, "0.00123"), (16, "16"), ("dice", "dice"), (None, "None")]
)
def test_values_are_short(value, said):
    assert short(value) == said
