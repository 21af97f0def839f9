"""The options of a training -> the loss they describe."""

from lungseg.losses.deep_supervision import LossFunction
from lungseg.losses.overlap import dice
from lungseg.losses.pixelwise import bce

LOSS_FUNCTIONS: dict[str, LossFunction] = {
    "bce": bce,
    "dice": dice,
    "bce_dice": lambda logits, target: bce(logits, target) + dice(logits, target),
}
