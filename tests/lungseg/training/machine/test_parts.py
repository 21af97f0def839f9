"""A batch in parts has the loss and the gradient of the whole, for every loss, and less memory."""

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from lungseg.losses.build import build_loss
from lungseg.losses.deep_supervision import at_all_levels
from lungseg.models.unet import UNet
from lungseg.options.fit import FitOptions
from lungseg.options.loss import LOSSES, LossOptions
from lungseg.training.machine.parts import in_parts
from lungseg.training.run import fit
from tests.toy_training import options, weights

IMAGE = torch.randn(7, 1, 16, 16, generator=torch.Generator().manual_seed(0))
MASK = (IMAGE > 1.5).to(torch.uint8)
MASK[4:] = 0


def learned(num_parts, *, loss="bce_dice", **given):
    """Loss and gradients, of weights that are the same each time."""
    torch.manual_seed(0)
    net = UNet(channels=(4, 8, 8), **given)
    value = at_all_levels(
        build_loss(LossOptions(loss=loss)), in_parts(net, IMAGE, num_parts=num_parts), MASK
    )
    value.backward()
    return torch.cat([value.detach().reshape(1), *(w.grad.flatten() for w in net.parameters())])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("num_parts", [2, 3, 7, 20])
def test_loss_and_gradient_are_those_of_the_whole_batch(loss, num_parts):
    torch.testing.assert_close(
        learned(num_parts, loss=loss), learned(1, loss=loss), rtol=1e-4, atol=1e-6
    )


def test_logits_of_several_levels_are_joined_level_by_level():
    given = {"deep_supervision": True}
    torch.testing.assert_close(learned(3, **given), learned(1, **given), rtol=1e-4, atol=1e-6)


def test_what_is_kept_for_the_way_back_is_that_of_a_part():
    def kept(num_parts):
        seen = {}

        def keep(tensor):
            seen[tensor.data_ptr()] = tensor
            return tensor

        with saved_tensors_hooks(keep, lambda tensor: tensor):
            in_parts(UNet(channels=(4, 8, 8)), IMAGE, num_parts=num_parts)
        return sum(tensor.nbytes for tensor in seen.values() if tensor.dim() == 4)

    assert kept(7) < kept(1) / 4


def test_a_training_in_parts_learns_what_one_of_whole_batches_does(shards, tmp_path):
    for parts in (1, 3):
        given = {"epochs": 1, "accumulate": parts, "augment": "none", "norm": "instance"}
        fit(options(shards, tmp_path / str(parts), **given))
    one, other = (weights(tmp_path / name / "last.ckpt") for name in ("1", "3"))
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("given", [{}, {"preset": "small"}, {"folds": ("all",)}])
def test_batches_that_parts_would_change_are_refused(tmp_path, given):
    with pytest.raises(ValueError, match=r"give a smaller --batch-size instead \(8 with"):
        FitOptions.of(shards="x", out=tmp_path, accumulate=2, **given)
