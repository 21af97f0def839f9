"""Batch normalization of two ranks on a GPU is that of one, for shares of any size."""

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

from lungseg.training.process.batch_norm import over_ranks
from lungseg.training.process.ranks import sum_over_ranks

pytestmark = pytest.mark.gpu
NUM_RANKS = 2


def learned(device, *, rank=0, num_ranks=1):
    """The weights and means that five steps leave, of batches of 7 slices."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 1, 3))
    net = over_ranks(net).to(device)
    model = nn.parallel.DistributedDataParallel(net) if num_ranks > 1 else net
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    for step in range(5):
        images = 5 + torch.randn(7, 1, 8, 9, generator=torch.Generator().manual_seed(step))
        mine = images[rank::num_ranks].to(device)
        optimizer.zero_grad()
        loss = sum_over_ranks(model(mine).square().sum()) / 100
        loss.backward()
        optimizer.step()
    return {name: value.cpu() for name, value in net.state_dict().items()}


def one_of_several(rank, store, results, device):
    """Gloo, as NCCL wants a GPU for each rank."""
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=NUM_RANKS)
    torch.save(learned(device, rank=rank, num_ranks=NUM_RANKS), results / str(rank))
    dist.destroy_process_group()


def test_two_ranks_learn_and_remember_what_one_does(tmp_path):
    given = (tmp_path / "store", tmp_path, "cuda")
    mp.start_processes(one_of_several, given, NUM_RANKS, start_method="spawn")
    alone = learned("cuda")
    for rank in range(NUM_RANKS):
        torch.testing.assert_close(torch.load(tmp_path / str(rank)), alone, rtol=1e-4, atol=1e-5)


def test_it_is_torchs_own_and_waits_for_nothing(tmp_path):
    """One rank of NCCL, by the way that several take; of 16 bits and channels last."""
    dist.init_process_group("nccl", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        norm, own = over_ranks(nn.BatchNorm2d(8)).cuda(), nn.BatchNorm2d(8).cuda()
        features = torch.randn(5, 8, 12, 16, device="cuda").to(memory_format=torch.channels_last)
        results = []
        for layer in (own.forward, norm._on_gpus, norm._on_gpus):
            mine = features.bfloat16().requires_grad_()
            torch.cuda.set_sync_debug_mode("error" if len(results) > 1 else "default")
            normalized = layer(mine)
            (normalized.float() ** 3).sum().backward()
            torch.cuda.set_sync_debug_mode("default")
            assert normalized.is_contiguous(memory_format=torch.channels_last)
            results.append((normalized, mine.grad))
        for again in results[1:]:
            torch.testing.assert_close(again, results[0], rtol=0.02, atol=0.02)
        torch.testing.assert_close(norm.weight.grad, 2 * own.weight.grad, rtol=0.02, atol=0.02)
        assert int(norm.num_batches_tracked) == 2
    finally:
        torch.cuda.set_sync_debug_mode("default")
        dist.destroy_process_group()
