"""Each name is a loss with its parameters, with finite gradients wherever logits are."""

import nibabel
import numpy as np
import pytest
import torch

from lungseg.losses.build import build_loss
from lungseg.losses.deep_supervision import at_all_levels
from lungseg.losses.overlap import dice, focal_tversky, tversky
from lungseg.losses.pixelwise import bce, focal
from lungseg.models.unet import UNet
from lungseg.models.view import view_of
from lungseg.options.loss import LOSSES, LossOptions

PARAMETERS = {"pos_weight": 3.0, "focal_gamma": 1.5, "tversky_fp": 0.4, "tversky_fn": 0.9}
OPTIONS = {**PARAMETERS, "tversky_gamma": 2.0}
WEIGHTS = {"fp_weight": 0.4, "fn_weight": 0.9}


def expected(name, logits, target):
    return {
        "bce": lambda: bce(logits, target, pos_weight=3.0),
        "dice": lambda: dice(logits, target),
        "bce_dice": lambda: bce(logits, target, pos_weight=3.0) + dice(logits, target),
        "focal": lambda: focal(logits, target, gamma=1.5, pos_weight=3.0),
        "dice_focal": lambda: (
            dice(logits, target) + focal(logits, target, gamma=1.5, pos_weight=3.0)
        ),
        "tversky": lambda: tversky(logits, target, **WEIGHTS),
        "focal_tversky": lambda: focal_tversky(logits, target, gamma=2.0, **WEIGHTS),
    }[name]()


@pytest.mark.parametrize("name", LOSSES)
def test_options_reach_the_loss_that_they_name(make_batch, name):
    batch = make_batch()
    found = build_loss(LossOptions(loss=name, **OPTIONS))(*batch)
    torch.testing.assert_close(found, expected(name, *batch))
    assert found != build_loss(LossOptions(loss=name))(*batch) or name == "dice"


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_taken_over_all_ranks(make_batch, name):
    whole, target = make_batch()
    seen = []

    def of_three_ranks(sums):
        seen.append(sums)
        return 3 * sums

    found = build_loss(LossOptions(loss=name), reduce=of_three_ranks)(whole, target)
    together = [torch.cat([part] * 3) for part in (whole, target)]
    torch.testing.assert_close(found, build_loss(LossOptions(loss=name))(*together))
    assert len(seen) == (2 if name in ("bce_dice", "dice_focal") else 1)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("logit", [-1e4, -200.0, 0.0, 200.0, 1e4])
@pytest.mark.parametrize("truth", [0, 1])
@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_loss_and_gradient_are_finite_for_sure_nets_and_for_slices_of_one_kind(
    name, logit, truth, gamma
):
    logits = torch.full((2, 1, 8, 8), logit, requires_grad=True)
    mask = torch.full((2, 1, 8, 8), truth, dtype=torch.uint8)
    loss = build_loss(LossOptions(loss=name, focal_gamma=gamma, tversky_gamma=gamma))(logits, mask)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("name", LOSSES)
def test_a_step_against_the_gradient_finds_more_of_the_tumor(name):
    mask = torch.zeros(2, 1, 8, 8)
    mask[0, 0, 2:4, 3:6] = 1
    logits = torch.full_like(mask, -4.6, requires_grad=True)
    build_loss(LossOptions(loss=name))(logits, mask).backward()
    assert (logits.grad[mask == 1] < 0).all()
    assert (logits.grad[mask == 0] > 0).all()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_logits_lose_nothing_in_the_loss(name, kind):
    """2 x 512 x 512 pixels: their number is beyond what 16-bit floats hold."""
    logits = torch.linspace(-6, 6, 2 * 512 * 512).reshape(2, 1, 512, 512).to(kind)
    mask = (logits.float() > 5).to(torch.uint8)
    loss = build_loss(LossOptions(loss=name))
    assert loss(logits, mask) == loss(logits.float(), mask)
    assert loss(logits, mask).dtype == torch.float32


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"pos_weight": 0.0}, "--pos-weight must be above 0"),
        ({"focal_gamma": -1.0}, "--focal-gamma must be at least 0"),
        ({"tversky_gamma": float("nan")}, "--tversky-gamma must be above 0"),
        ({"tversky_fp": float("inf")}, "--tversky-fp must be at least 0"),
        ({"tversky_fp": 0.0, "tversky_fn": 0.0}, "must not both be 0"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(given, said):
    with pytest.raises(ValueError, match=said):
        LossOptions(**given)


@pytest.mark.data
@pytest.mark.slow
def test_a_small_net_learns_one_real_slice_by_heart(real_data):
    scan, label = (
        nibabel.load(real_data / "lung" / kind / "lung_907.nii.gz").dataobj
        for kind in ("imagesTr", "labelsTr")
    )
    masks = np.asarray(label) > 0
    z = int(masks.sum(axis=(0, 1)).argmax())
    hu = torch.tensor(np.asarray(scan[..., z], np.float32))[None, None]
    mask = torch.tensor(masks[..., z], dtype=torch.uint8)[None, None]
    torch.manual_seed(0)
    net, loss = UNet(channels=(8, 16, 32, 64)), build_loss(LossOptions())
    optimizer = torch.optim.AdamW(net.parameters(), 0.01)
    image = view_of({"hu_window": [[-1000, 400]]}, {})(hu)
    for _ in range(100):
        optimizer.zero_grad()
        at_all_levels(loss, net(image), mask).backward()
        optimizer.step()
    found = net.eval()(image).detach() > 0
    assert 2 * (found & (mask > 0)).sum() / (found.sum() + mask.sum()) > 0.98
