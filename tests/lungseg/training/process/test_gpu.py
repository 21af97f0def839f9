"""A process that was given a GPU says so where torch cannot use it."""

import pytest
import torch

from lungseg.errors import TrainingError
from lungseg.training.process.gpu import check_gpu


def test_a_gpu_that_is_not_there_or_fails_is_said(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainingError, match="no driver, or a torch without CUDA"):
        check_gpu()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)

    def fails(*_, **__):
        raise RuntimeError("CUDA error: unspecified\nmore")

    monkeypatch.setattr(torch, "ones", fails)
    with pytest.raises(TrainingError, match=r"the GPU fails \(CUDA error: unspecified\)"):
        check_gpu()
    monkeypatch.setattr(torch, "ones", lambda *_, **__: torch.zeros(8))
    check_gpu()
