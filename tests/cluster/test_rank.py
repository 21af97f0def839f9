"""A rank ends itself when it hears nothing, and tells its news in their order."""

import subprocess
import sys

from cluster.rank import LEASE_S, Seat

_UNHEARD = """
import cluster.rank, time
cluster.rank.LEASE_S = 1
seat = cluster.rank.Seat()
seat._function = lambda argument, rank: time.sleep(argument)
place = cluster.rank.Place(number=0, size=1, per_node=1, address="", port=0)
seat.run(0, place); time.sleep(3); print("idle ranks stay", flush=True)
seat.run(60, place)
"""


def test_a_rank_that_nobody_listens_to_ends_itself_but_only_while_it_runs():
    done = subprocess.run(
        [sys.executable, "-c", _UNHEARD], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout) == (1, "idle ranks stay\n")
    assert LEASE_S < 10


def test_news_come_in_their_order_and_once():
    seat = Seat()
    for news in (1, 2):
        seat._news.put(news)
    assert (seat.listen(0), seat.listen(0)) == ([1, 2], [])
