"""What tests of losses share: batches of logits and targets."""

import pytest
import torch


def _batch(*, soft=False, dtype=torch.float64):
    draws = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(3, 1, 6, 5, generator=draws, dtype=dtype)
    target = torch.rand(3, 1, 6, 5, generator=draws, dtype=dtype)
    return logits, target if soft else (target > 0.7).to(dtype)


@pytest.fixture
def make_batch():
    """Function that makes (logits, target), both (3, 1, 6, 5)."""
    return _batch
