"""All ranks have what the first one has, and go on from the checkpoint that it sees."""

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from lungseg.training.checkpoint_io import WholeCheckpoints
from lungseg.training.process.first_rank import of_first_rank


def one_of_two(rank, folder):
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    there = of_first_rank(folder / "a.ckpt" if rank == 0 else None)
    content = WholeCheckpoints().load_checkpoint(folder / f"seen-by-{rank}.ckpt")
    torch.save({"there": str(there), **content}, folder / f"{rank}.pt")
    dist.destroy_process_group()


def test_all_ranks_have_what_the_first_has_whatever_storage_shows_them(tmp_path):
    for rank in range(2):
        torch.save({"step": 7 + rank}, tmp_path / f"seen-by-{rank}.ckpt")
    mp.start_processes(one_of_two, (tmp_path,), 2, start_method="fork")
    found = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    assert found == [{"there": str(tmp_path / "a.ckpt"), "step": 7}] * 2


def test_one_rank_alone_has_its_own(tmp_path):
    assert of_first_rank(tmp_path) is tmp_path
