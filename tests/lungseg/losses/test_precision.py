"""Losses are computed in the widest float, never in fewer than 32 bits."""

import pytest
import torch

from lungseg.losses.precision import at_least_32_bits


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ((torch.bfloat16, torch.uint8), torch.float32),
        ((torch.float16, torch.float16), torch.float32),
        ((torch.float32, torch.uint8), torch.float32),
        ((torch.float64, torch.uint8), torch.float64),
    ],
)
def test_half_precision_is_widened_and_double_kept(given, found):
    tensors = at_least_32_bits(*(torch.ones(2, dtype=dtype) for dtype in given))
    assert [tensor.dtype for tensor in tensors] == [found] * 2
    assert all(torch.equal(tensor, torch.ones(2, dtype=found)) for tensor in tensors)
