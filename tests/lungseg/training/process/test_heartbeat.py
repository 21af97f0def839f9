"""A rank that dies or stands still is named soon, and no other; who is through waits."""

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


def one_of_three(rank, folder, signum, lost=2):
    """Wait long inside the watch; a rank sends itself a signal there, or all are through soon."""
    logging.basicConfig(filename=folder / f"said-by-{rank}", format="%(message)s", force=True)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=3)
    heartbeat._SILENT_S = 5.0 if signum == signal.SIGSTOP else 60.0
    with watched_ranks(launched=True, advice="go on"):
        if rank == lost and signum:
            (folder / "pid").write_text(str(os.getpid()))
            os.kill(os.getpid(), signum)
        time.sleep(300 if signum else rank)
        (folder / f"last-{rank}").write_text(str(time.monotonic()))
    (folder / f"through-{rank}").write_text(str(time.monotonic()))
    dist.destroy_process_group()


@pytest.mark.parametrize(
    ("signum", "lost", "said"),
    [
        (signal.SIGKILL, 2, "rank 2 on .* is gone: the training ends; go on\n"),
        (signal.SIGSTOP, 2, "rank 2 on .* has stood still for 5 s: the training ends; go on\n"),
        (signal.SIGSTOP, 0, "rank 0 on .* has stood still for 5 s: the training ends; go on\n"),
    ],
)
def test_a_lost_rank_alone_is_named_and_ends_the_others(tmp_path, signum, lost, said):
    """By the first rank; by all others where it is lost itself."""
    ranks = mp.start_processes(
        one_of_three, (tmp_path, signum, lost), 3, start_method="fork", join=False
    ).processes
    others = [rank for rank in range(3) if rank != lost]
    for rank in others:
        ranks[rank].join(100)
    ranks[lost].kill()
    assert [ranks[rank].exitcode for rank in others] == [1, 1]
    texts = [(tmp_path / f"said-by-{rank}").read_text() for rank in others]
    assert re.fullmatch(said, texts[0])
    assert texts[1] == "" if lost else re.fullmatch(said, texts[1])


def test_ranks_that_are_through_wait_for_the_others(tmp_path):
    mp.start_processes(one_of_three, (tmp_path, 0), 3, start_method="fork")
    last = float((tmp_path / "last-2").read_text())
    assert min(float((tmp_path / f"through-{rank}").read_text()) for rank in range(3)) > last
    assert [(tmp_path / f"said-by-{rank}").read_text() for rank in range(3)] == [""] * 3


def test_who_is_not_launched_is_not_watched():
    with watched_ranks(launched=False, advice=""):
        assert not [t for t in threading.enumerate() if t.name == "heartbeat"]
