"""Precision is what the machine has, and what it has not is said."""

import pytest
import torch

from lungseg.errors import TrainingError
from lungseg.options.machine import MachineOptions
from lungseg.training.machine.precision import precision_of


@pytest.fixture
def machine(monkeypatch):
    """Sets what the machine has."""

    def has(*, gpu, bf16):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
        monkeypatch.setattr(
            torch.cuda, "is_bf16_supported", lambda including_emulation: including_emulation or bf16
        )
        monkeypatch.setattr("lungseg.models.bf16._processor", lambda: bf16)

    return has


@pytest.mark.parametrize("gpu", [False, True])
@pytest.mark.parametrize(("bf16", "found"), [(False, "32-true"), (True, "bf16-mixed")])
def test_auto_takes_bf16_where_there_are_instructions_for_it(machine, gpu, bf16, found):
    machine(gpu=gpu, bf16=bf16)
    assert precision_of(MachineOptions()) == found


def test_a_processor_is_asked_where_a_gpu_is_not_wanted(machine, monkeypatch):
    machine(gpu=True, bf16=True)
    monkeypatch.setattr("lungseg.models.bf16._processor", lambda: False)
    assert precision_of(MachineOptions(accelerator="cpu")) == "32-true"


@pytest.mark.parametrize("gpu", [False, True])
@pytest.mark.parametrize(("bf16", "num_lines"), [(False, 1), (True, 0)])
def test_bf16_that_is_only_emulated_is_said_in_a_line(machine, caplog, gpu, bf16, num_lines):
    machine(gpu=gpu, bf16=bf16)
    assert precision_of(MachineOptions(precision="bf16")) == "bf16-mixed"
    assert len(caplog.messages) == num_lines
    assert all("many times slower" in line for line in caplog.messages)


def test_16_needs_a_gpu(machine):
    machine(gpu=True, bf16=False)
    assert precision_of(MachineOptions(precision="16")) == "16-mixed"
    machine(gpu=False, bf16=True)
    with pytest.raises(TrainingError, match="--precision 16 needs a GPU"):
        precision_of(MachineOptions(precision="16"))


def test_32_is_32(machine):
    machine(gpu=True, bf16=True)
    assert precision_of(MachineOptions(precision="32")) == "32-true"
