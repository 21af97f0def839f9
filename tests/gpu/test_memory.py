"""Memory: batches wait where a GPU can fetch them, and a step takes what was foretold, no more."""

import pytest
import torch
from torch.utils._pytree import tree_leaves

from lungseg.models.blocks import BlockStyle
from lungseg.models.unet import UNet
from lungseg.training.data import SliceData
from lungseg.training.machine.cost import step_cost
from shards.reading.buffers import Buffers
from shards.storage.store import open_shards

SHAPE = (8, 1, 256, 256)


def test_batches_are_read_into_pinned_memory_where_there_is_a_gpu(shards, options_on, tmp_path):
    there = torch.cuda.is_available()
    assert Buffers().take((4, 1, 8, 8), torch.int16).is_pinned() == there
    data = SliceData(open_shards(shards), options_on(tmp_path, augment="full"))
    batch = next(iter(data.train_dataloader()))
    assert [batch[name].is_pinned() for name in ("image", "mask")] == [there, there]
    drawn = [part for part in tree_leaves(batch["draws"]) if part.numel()]
    assert {part.is_pinned() for part in drawn} == {there}


def step(net, optimizer, image):
    with torch.autocast("cuda", torch.bfloat16):
        loss = net(image).float().square().mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()


@pytest.mark.gpu
def test_a_step_on_a_gpu_takes_about_what_was_foretold_and_no_more_with_time():
    net = UNet(channels=(32, 64, 128, 256), style=BlockStyle()).cuda()
    optimizer = torch.optim.AdamW(net.parameters())
    image = torch.randn(SHAPE, device="cuda")
    foretold = step_cost(net, SHAPE, half=True).num_bytes
    before, after = torch.cuda.memory_allocated(), []
    torch.cuda.reset_peak_memory_stats()
    for _ in range(6):
        step(net, optimizer, image)
        after.append(torch.cuda.memory_allocated())
    peak = torch.cuda.max_memory_allocated() - before
    assert len(set(after[1:])) == 1
    assert 0.5 * foretold < peak < 2 * foretold
