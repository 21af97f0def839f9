"""A compiled training learns what another does, and its checkpoint goes on without."""

import os
import shutil

import pytest
import torch
from torch import nn

from lungseg.errors import TrainingError
from lungseg.training.machine import compiled
from lungseg.training.machine.compiled import compile_net
from lungseg.training.run import fit
from tests.toy_training import options, weights

COMPILER = shutil.which(os.environ.get("CXX", "g++"))
NET = {
    "net": "torch.nn:Conv2d",
    "net_args": ["out_channels=1", "kernel_size=3", "padding=1"],
}
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler: nothing compiles")


def test_where_nothing_compiles_a_line_says_so(monkeypatch):
    def no_compiler(*_):
        raise RuntimeError("No working C++ compiler found\nin any place")

    monkeypatch.setattr(torch, "compile", lambda _: no_compiler)
    with pytest.raises(TrainingError, match=r"--compile .*\(No working C\+\+ compiler found\): "):
        compile_net(nn.Conv2d(1, 1, 1), torch.device("cpu"))


@needs_compiler
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of a compiler of another make
def test_a_compiled_training_learns_the_same_and_goes_on_without(shards, tmp_path, monkeypatch):
    calls = []
    line = compiled._line
    monkeypatch.setattr(compiled, "_line", lambda values: calls.append(1) or line(values))
    given = {"epochs": 1, "augment": "none", "ema": 0.5, **NET}
    for name in ("plain", "compiled"):
        fit(options(shards, tmp_path / name, compile=name == "compiled", **given))
    assert calls
    one, other = (weights(tmp_path / name / "last.ckpt") for name in ("plain", "compiled"))
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)
    result = fit(options(shards, tmp_path / "compiled", **given | {"epochs": 2}, resume=True))
    assert result["n"] == 1
