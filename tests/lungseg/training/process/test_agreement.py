"""All ranks know the same after the same step, whichever of them proposed it when."""

import torch.distributed as dist
import torch.multiprocessing as mp

from lungseg.training.process.agreement import Agreement


def test_one_rank_knows_at_once_what_it_proposes():
    agreement = Agreement()
    assert agreement.known() == 0
    agreement.propose(15)
    agreement.propose(2)
    assert (agreement.known(), agreement.settled()) == (15, 15)


def one_of_three(rank, folder):
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=3)
    agreement, found = Agreement(), []
    for step in range(6):
        if (rank, step) in ((1, 2), (2, 3)):
            agreement.propose(10 * rank)
        found.append(agreement.known())
    found.append(agreement.settled())
    (folder / str(rank)).write_text(repr(found))
    dist.destroy_process_group()


def test_all_ranks_know_it_a_step_later(tmp_path):
    mp.start_processes(one_of_three, (tmp_path,), 3, start_method="fork")
    found = {(tmp_path / str(rank)).read_text() for rank in range(3)}
    assert found == {"[0, 0, 0, 10, 20, 20, 20]"}
