"""A rank that dies or stands still is named soon and ends the others; who is through waits."""

import logging
import os
import re
import signal
import threading
import time

import pytest
import torch.distributed as dist
import torch.multiprocessing as mp

from lungseg.training.process import heartbeat
from lungseg.training.process.heartbeat import watched_ranks


def one_of_three(rank, folder, signum):
    """Wait long inside the watch; the last rank sends itself a signal there, or is through soon."""
    logging.basicConfig(filename=folder / f"said-by-{rank}", format="%(message)s", force=True)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=3)
    heartbeat._SILENT_S = 5.0 if signum == signal.SIGSTOP else 60.0
    with watched_ranks(launched=True, advice="go on"):
        if rank == 2 and signum:
            (folder / "pid").write_text(str(os.getpid()))
            os.kill(os.getpid(), signum)
        time.sleep(300 if signum else rank)
        (folder / f"last-{rank}").write_text(str(time.monotonic()))
    (folder / f"through-{rank}").write_text(str(time.monotonic()))
    dist.destroy_process_group()


@pytest.mark.parametrize(
    ("signum", "said"),
    [
        (signal.SIGKILL, "rank 2 on .* is gone: the training ends; go on\n"),
        (signal.SIGSTOP, "rank 2 on .* has stood still for 5 s: the training ends; go on\n"),
    ],
)
def test_a_lost_rank_is_named_and_ends_the_others(tmp_path, signum, said):
    ranks = mp.start_processes(
        one_of_three, (tmp_path, signum), 3, start_method="fork", join=False
    ).processes
    for rank in ranks[:2]:
        rank.join(100)
    ranks[2].kill()
    assert [rank.exitcode for rank in ranks[:2]] == [1, 1]
    assert re.fullmatch(said, (tmp_path / "said-by-0").read_text())


def test_ranks_that_are_through_wait_for_the_others(tmp_path):
    mp.start_processes(one_of_three, (tmp_path, 0), 3, start_method="fork")
    last = float((tmp_path / "last-2").read_text())
    assert min(float((tmp_path / f"through-{rank}").read_text()) for rank in range(3)) > last
    assert [(tmp_path / f"said-by-{rank}").read_text() for rank in range(3)] == [""] * 3


def test_who_is_not_launched_is_not_watched():
    with watched_ranks(launched=False, advice=""):
        assert not [t for t in threading.enumerate() if t.name == "heartbeat"]
