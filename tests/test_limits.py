"""Every number of every option of every command has limits, and what lies outside is refused."""

import re

import pytest

from shards.console.command import UsageError, parse
from shards.console.limits import Limits
from tests.commands import ALL, numbers_and_names

NUMBERS = [
    (command, name, kind)
    for command in ALL
    for name, kind in numbers_and_names(command.options)[0].items()
]


def ids(value):
    return str(value) if hasattr(value, "words") or isinstance(value, str) else ""


def refusal(command, *words):
    with pytest.raises(UsageError) as caught:
        parse(command.commands, [*command.words, *words], prog="it", description="")
    return str(caught.value)


def limits_of(kind):
    (limits,) = (extra for extra in kind.__metadata__ if isinstance(extra, Limits))
    return limits


def words_of(kind, value):
    return [str(value)] * (2 if re.search(r"tuple\[(int, int|float, float)", str(kind)) else 1)


@pytest.mark.parametrize("command", ALL, ids=str)
def test_the_flags_alone_are_taken(command):
    parse(command.commands, list(command.words), prog="it", description="")


@pytest.mark.parametrize(("command", "name", "kind"), NUMBERS, ids=ids)
@pytest.mark.parametrize("value", ["nan", "-inf", "9" * 40])
def test_what_is_no_finite_or_no_sane_number_is_refused_by_its_flag(command, name, kind, value):
    flag = "--" + name.replace("_", "-")
    said = refusal(command, flag, *words_of(kind, value))
    assert said.startswith(flag)
    assert "got" in said
    assert "\n" not in said


@pytest.mark.parametrize(("command", "name", "kind"), NUMBERS, ids=ids)
def test_a_limit_is_stated_on_either_side_and_holds_just_outside(command, name, kind):
    limits = limits_of(kind)
    step = 1e-3 if "float" in str(kind) else 1
    low = limits.above if limits.least is None else limits.least - step
    high = limits.below if limits.most is None else limits.most + step
    flag = "--" + name.replace("_", "-")
    for value in (low, high):
        said = refusal(command, flag, *words_of(kind, value))
        assert said.startswith(f"{flag} must be ")
        assert " and " in said
