"""The order of a net's memory changes neither its logits nor its gradients."""

import pytest
import torch

from lungseg.models.blocks import NORMALIZATIONS, BlockStyle
from lungseg.models.unet import UNet


def outcome(norm, device, memory_format):
    torch.manual_seed(0)
    net = UNet(channels=(8, 16, 16), style=BlockStyle(norm=norm))
    image = torch.randn(2, 1, 32, 48)
    net, image = net.to(device, memory_format=memory_format), image.to(device)
    logits = net(image.contiguous(memory_format=memory_format))
    logits.square().mean().backward()
    gradients = [weight.grad.cpu().contiguous() for weight in net.parameters()]
    return [logits.detach().cpu().contiguous(), *gradients]


@pytest.mark.parametrize("norm", NORMALIZATIONS)
def test_channels_last_computes_what_plain_memory_does(device, norm):
    plain = outcome(norm, device, torch.contiguous_format)
    last = outcome(norm, device, torch.channels_last)
    for one, other in zip(plain, last, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)
