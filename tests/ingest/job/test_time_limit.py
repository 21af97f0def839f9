"""A function answers in time, fails in its own words, or is given up."""

import threading
import time

import pytest

from ingest.job.time_limit import answer_within


def test_an_answer_in_time_is_the_functions_own():
    assert answer_within(5, lambda: {"a": 1}) == {"a": 1}


def test_what_the_function_raises_is_raised():
    with pytest.raises(ZeroDivisionError):
        answer_within(5, lambda: 1 // 0)


def test_a_function_that_never_answers_is_given_up():
    ever = threading.Event()
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"no answer within 0.05 s"):
        answer_within(0.05, ever.wait)
    assert time.monotonic() - began < 60
    ever.set()
