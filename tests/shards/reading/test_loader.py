"""Threads read ahead: in order, not too far, and with their failures shown."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from shards.reading.loader import ThreadedLoader
from tests.servers import ALWAYS
from tests.waiting import wait_until


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

    seen, before = [], set(threading.enumerate())
    with pytest.raises(KeyError):
        seen.extend(ThreadedLoader(read, range(10), num_threads=2))
    assert set(threading.enumerate()) <= before


def test_it_reads_no_further_ahead_than_it_has_threads():
    asked, before = [], set(threading.enumerate())
    batches = iter(ThreadedLoader(asked.append, range(100), num_threads=2))
    for k in range(20):
        next(batches)
        assert len(asked) <= k + 3
    batches.close()
    assert set(threading.enumerate()) <= before


READS = """
import sys
import numpy as np
from shards.reading.loader import ThreadedLoader
from shards.reading.reader import SliceReader
from shards.storage.store import open_shards
shards = open_shards(sys.argv[1])
reader = SliceReader(shards)
shards.prefetch(["cases/b.tar", "cases/a.tar"])
for batch in ThreadedLoader(reader.read, [np.arange(4), np.arange(12)], num_threads=2):
    pass
"""


@pytest.mark.parametrize("words", [["-c", READS], ["-m", "shards", "verify", "--shards"]])
def test_an_interrupt_ends_what_waits_for_a_silent_server(tmp_path, shard_folder, serve, words):
    """Whatever its threads do: one downloads, one waits for that download, others fetch ahead."""
    server = serve(shard_folder)
    server.fail("cases/a.tar", "hang", times=ALWAYS)
    process = subprocess.Popen(
        [sys.executable, *words, server.url],
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(lambda: server.requests["cases/a.tar"], "it is asked for", during=process)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=120)
    finally:
        process.kill()
        process.communicate()
    assert "KeyboardInterrupt" in error or "interrupted" in error
