"""Threads read ahead: in order, not too far, and with their failures shown."""

import threading
import time

import pytest

from shards.loader import ThreadedLoader


@pytest.mark.parametrize("num_threads", [1, 2, 4])
def test_batches_come_in_the_order_of_the_requests(num_threads):
    def read(request):
        time.sleep(0.002 * (request % 3))
        return 10 * request

    loader = ThreadedLoader(read, range(40), num_threads=num_threads)
    assert len(loader) == 40
    for _ in range(2):
        assert list(loader) == list(range(0, 400, 10))


def test_what_a_thread_raises_is_raised_in_the_loop():
    def read(request):
        if request == 5:
            raise KeyError(request)
        return request

    seen = []
    with pytest.raises(KeyError):
        seen.extend(ThreadedLoader(read, range(10), num_threads=2))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read")]


def test_it_reads_no_further_ahead_than_it_has_threads():
    asked = []
    batches = iter(ThreadedLoader(asked.append, range(100), num_threads=2))
    for k in range(20):
        next(batches)
        assert len(asked) <= k + 3
    batches.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read")]
