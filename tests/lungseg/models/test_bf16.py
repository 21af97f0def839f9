"""bf16 is taken where a device has it, or where it is asked for."""

import pytest
import torch

from lungseg.models.bf16 import has_bf16, takes_bf16


@pytest.fixture
def machine(monkeypatch):
    """Sets what the processor and the GPU have."""

    def has(*, cpu, gpu):
        monkeypatch.setattr("lungseg.models.bf16._processor", lambda: cpu)
        monkeypatch.setattr(
            torch.cuda, "is_bf16_supported", lambda including_emulation: including_emulation or gpu
        )

    return has


@pytest.mark.parametrize("cpu", [False, True])
@pytest.mark.parametrize("gpu", [False, True])
def test_each_device_is_asked_for_itself(machine, cpu, gpu):
    machine(cpu=cpu, gpu=gpu)
    assert [has_bf16(kind) for kind in ("cpu", "cuda", "mps")] == [cpu, gpu, False]
    assert [takes_bf16("auto", kind) for kind in ("cpu", "cuda", "mps")] == [cpu, gpu, False]


def test_what_is_asked_for_is_taken(machine):
    machine(cpu=True, gpu=True)
    assert not takes_bf16("32", "cpu")
    machine(cpu=False, gpu=False)
    assert takes_bf16("bf16", "cpu")
