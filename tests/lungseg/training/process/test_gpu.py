"""A process that was given a GPU says so where torch cannot use it."""

import pytest
import torch

from lungseg.errors import TrainingError
from lungseg.training.process.gpu import check_given_gpu, check_gpu


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


@pytest.mark.parametrize("name", ["CUDA_VISIBLE_DEVICES", "SLURM_JOB_GPUS"])
def test_a_run_that_was_given_a_gpu_does_not_train_on_the_processor_unasked(monkeypatch, name):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setenv(name, "0,1")
    with pytest.raises(TrainingError, match=rf"given a GPU \({name}=0,1\) .* --accelerator cpu"):
        check_given_gpu("auto")
    check_given_gpu("cpu")
    monkeypatch.setenv(name, "")
    check_given_gpu("auto")
