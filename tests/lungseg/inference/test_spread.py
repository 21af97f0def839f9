"""Tasks are done once each, wherever, and all ends when one ends badly."""

import threading
import time

import pytest

from lungseg.inference.spread import Stopped, spread


@pytest.mark.parametrize("places", ["a", "ab", "abcd"])
def test_each_task_is_done_once_and_a_place_has_one_at_a_time(places):
    busy, lock = set(), threading.Lock()

    def work(task, place, check_stop):
        with lock:
            assert place not in busy
            busy.add(place)
        time.sleep(0.002)
        with lock:
            busy.remove(place)
        return task * task

    found = list(spread(work, range(20), places))
    assert sorted(found) == [(n, n * n) for n in range(20)]
    assert found == sorted(found) or len(places) > 1


def test_places_work_beside_each_other():
    together = threading.Barrier(3, timeout=120)
    found = spread(lambda task, place, check_stop: together.wait() >= 0, range(3), "abc")
    assert sorted(found) == [(0, True), (1, True), (2, True)]


@pytest.mark.parametrize("places", ["a", "ab"])
def test_an_error_ends_the_others_at_their_next_step(places):
    begun, stopped = [], []

    def work(task, place, check_stop):
        begun.append(task)
        if task == 0:
            while len(begun) < len(places):
                time.sleep(0.001)
            raise KeyboardInterrupt
        try:
            while True:
                check_stop()
                time.sleep(0.001)
        except Stopped:
            stopped.append(task)
            raise

    with pytest.raises(KeyboardInterrupt):
        list(spread(work, range(5), places))
    assert sorted(begun) == list(range(len(places)))  # places begin in any order
    assert stopped == sorted(begun)[1:]
