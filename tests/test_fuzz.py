"""Whatever is damaged, and whatever options are given, no command leaves a trace."""

import random
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import fuzz


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Small files of every kind that a command reads."""
    with warnings.catch_warnings(action="ignore"):
        return fuzz.make_corpus(tmp_path_factory.mktemp("corpus"))


@given(st.integers(0, 2**64))
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_files_are_said_and_end_with_a_known_exit_code(corpus, seed):
    with warnings.catch_warnings(action="ignore"):
        fuzz.damage_once(corpus, random.Random(seed))


@given(st.integers(0, 2**64))
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_random_options_are_taken_or_refused_in_one_line(seed):
    fuzz.options_once(random.Random(seed))
