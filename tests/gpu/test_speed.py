"""What makes a GPU faster changes nothing: a fused optimizer, a compiled net."""

import shutil

import pytest
import torch

from lungseg.models.unet import UNet
from lungseg.options.step import StepOptions
from lungseg.training.optimizer import build_optimizer
from lungseg.training.run import fit
from tests.toy_training import weights


def walked(device, *, fused):
    torch.manual_seed(0)
    net = UNet(channels=(4, 8))
    image = torch.randn(4, 1, 16, 16).to(device)
    net.to(device)
    optimizer = build_optimizer(net.parameters(), StepOptions(), fused=fused)
    for _ in range(5):
        optimizer.zero_grad()
        net(image).square().mean().backward()
        optimizer.step()
    return net.state_dict()


def test_a_fused_optimizer_steps_as_a_plain_one(device):
    plain, fused = (walked(device, fused=value) for value in (False, True))
    torch.testing.assert_close(fused, plain, rtol=1e-3, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not (shutil.which("gcc") or shutil.which("cc")), reason="no C compiler")
@pytest.mark.filterwarnings("ignore")  # those of a compiler of another make
def test_a_compiled_training_learns_the_same_and_goes_on_without(options_on, tmp_path):
    given = {"epochs": 1, "precision": "32", "augment": "none"}
    for name in ("plain", "compiled"):
        fit(options_on(tmp_path / name, compile=name == "compiled", **given))
    one, other = (weights(tmp_path / name / "last.ckpt") for name in ("plain", "compiled"))
    torch.testing.assert_close(one, other, rtol=1e-2, atol=1e-3)
    fit(options_on(tmp_path / "compiled", **given | {"epochs": 2}, resume=True))
