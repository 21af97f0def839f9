"""Windows come from the command line, and those that mean nothing are refused."""

import pytest

from lungseg.options.fit import FitOptions
from lungseg.options.view import ViewOptions
from shards.console.command import UsageError, parse

WORDS = ["--shards", "s", "--out", "o"]


def parsed(*words):
    return parse(FitOptions, [*WORDS, *words], prog="fit", description="").view


def test_windows_add_up():
    words = ["--hu-window", "-1000", "400", "--hu-window", "-160", "240.5"]
    assert parsed(*words).hu_window == ((-1000, 400), (-160, 240.5))


@pytest.mark.parametrize("window", [(400, -1000), (0, 0), (-40000, 0), (0, float("nan"))])
def test_a_window_that_is_none_is_refused(window):
    with pytest.raises(ValueError, match=r"--hu-window (needs LOW HIGH|must be)"):
        ViewOptions(hu_window=(window,))
    with pytest.raises(UsageError, match="--hu-window"):
        parsed("--hu-window", *map(str, window))
