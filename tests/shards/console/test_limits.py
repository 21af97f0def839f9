"""Options refuse what cannot be meant, by the name of their flag."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shards.console.limits import Limited, Limits


@dataclass(frozen=True, kw_only=True)
class Oven(Limited):
    EXCLUDING: ClassVar = (("gas_bar", "wood_kg"),)

    heat: Annotated[float, Limits(above=0, most=300)] = 180
    trays: Annotated[int | Literal["auto"], Limits(least=1, most=4)] = "auto"
    edges_cm: Annotated[tuple[int, int] | None, Limits(least=5)] = None
    share: Annotated[float, Limits(above=0, below=1)] = 0.5
    tilt: float = 0.0
    gas_bar: float = 0.0
    wood_kg: float = 0.0


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_number_is_taken_exactly_if_it_is_finite_and_inside(number):
    for limits, inside in (
        (Limits(least=-2, most=3), -2 <= number <= 3),
        (Limits(above=-2, below=3), -2 < number < 3),
        (Limits(), math.isfinite(number)),
    ):
        assert limits.hold(number) == inside


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"heat": 0}, "--heat must be above 0 and at most 300, got 0"),
        ({"heat": math.nan}, "--heat must be above 0 and at most 300, got nan"),
        ({"trays": 5}, "--trays must be auto or at least 1 and at most 4, got 5"),
        ({"edges_cm": (7, 4)}, "--edges-cm must be at least 5, got 7 4"),
        ({"share": 1}, "--share must be above 0 and below 1, got 1"),
        ({"tilt": math.inf}, "--tilt must be a finite number, got inf"),
        ({"gas_bar": 1.0, "wood_kg": 2.0}, "--gas-bar and --wood-kg exclude each other"),
    ],
)
def test_what_lies_outside_is_refused_with_the_rule_and_the_value(wrong, said):
    with pytest.raises(ValueError, match=said):
        Oven(**wrong)


def test_what_lies_inside_and_what_is_no_number_is_taken():
    oven = Oven(heat=300, trays=1, edges_cm=(5, 9), wood_kg=3.0)
    assert (oven.trays, oven.edges_cm) == (1, (5, 9))
    assert Oven(trays="auto", edges_cm=None) == Oven()
