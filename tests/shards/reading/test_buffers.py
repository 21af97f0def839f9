"""Memory is used again, and never while somebody holds what is in it."""

import pickle

import pytest
import torch

from shards.reading.buffers import Buffers

SHAPE = (4, 1, 8, 8)


@pytest.mark.parametrize(
    "hold",
    [
        lambda batch: batch,
        lambda batch: batch[1:2],
        lambda batch: batch.numpy(),
        lambda batch: batch.numpy()[2:, 0],
        lambda batch: batch.view(torch.int32).reshape(-1)[5],
        lambda batch: torch.square(batch.requires_grad_(requires_grad=True)).grad_fn,
    ],
)
def test_what_is_held_in_any_form_is_not_overwritten(hold):
    buffers = Buffers()
    batch = buffers.take(SHAPE, torch.float32).fill_(1.0)
    place, held = batch.data_ptr(), hold(batch)
    del batch
    others = [buffers.take(SHAPE, torch.float32) for _ in range(20)]
    assert place not in {other.data_ptr() for other in others}
    assert len({other.data_ptr() for other in others}) == 20
    del held


def test_memory_is_used_again_once_it_is_let_go():
    buffers = Buffers()
    first = buffers.take(SHAPE, torch.int16)
    place = first.data_ptr()
    del first
    assert buffers.take(SHAPE, torch.int16).data_ptr() == place
    assert buffers.take((2, *SHAPE[1:]), torch.int16).data_ptr() == place
    assert buffers.take(SHAPE, torch.uint8).data_ptr() != place
    assert buffers.take((2, 3, 8, 8), torch.int16).shape == (2, 3, 8, 8)


def test_buffers_pickle_empty():
    assert pickle.loads(pickle.dumps(Buffers())).take(SHAPE, torch.uint8).shape == SHAPE
