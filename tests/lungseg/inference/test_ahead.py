"""A thread that runs ahead changes neither order nor errors, and ends when it is left."""

import threading

import pytest

from lungseg.inference.ahead import ahead
from tests.waiting import PATIENCE_S


@pytest.mark.parametrize("most", [1, 3, 1000])
def test_items_come_in_their_order_from_another_thread(most):
    makers = set()

    def source():
        for number in range(100):
            makers.add(threading.get_ident())
            yield number

    assert list(ahead(source(), most=most)) == list(range(100))
    assert len(makers) == 1
    assert threading.get_ident() not in makers


def test_it_runs_ahead_by_what_it_may_and_no_more():
    made, full = [], threading.Event()

    def source():
        for number in range(50):
            made.append(number)
            if number == 5:
                full.set()
            yield number

    items = ahead(source(), most=4)
    assert next(items) == 0
    assert full.wait(PATIENCE_S)  # one was read, four wait, one is in the making
    assert not threading.Event().wait(0.05)
    assert made == list(range(6))
    assert list(items) == list(range(1, 50))


def test_an_error_comes_after_the_items_before_it():
    def source():
        yield 1
        raise KeyError("damaged")

    items = ahead(source(), most=8)
    assert next(items) == 1
    with pytest.raises(KeyError, match="damaged"):
        next(items)


def test_who_leaves_early_ends_the_threads_and_closes_the_sources():
    before, closed = set(threading.enumerate()), []

    def source():
        try:
            while True:
                yield 0
        finally:
            closed.append(True)

    items = ahead(ahead(source(), most=2), most=2)
    assert [next(items) for _ in range(5)] == [0] * 5
    items.close()
    assert closed == [True]
    assert set(threading.enumerate()) <= before
