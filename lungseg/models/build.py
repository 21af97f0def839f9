"""The options of a training -> the net they describe."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from lungseg.models.blocks import BlockStyle
from lungseg.models.imported import NetError, check_output, imported_net
from lungseg.models.unet import UNet, channels_of, max_depth


def build_net(options: Mapping[str, Any]) -> nn.Module:
    """The net of a training.

    Args:
        options: Those of `lungseg.options.net.NetOptions` as plain data. What a checkpoint of an
            earlier version does not know has its default.

    Raises:
        lungseg.models.imported.NetError: If it cannot be made.
    """
    in_channels = num_channels(options)
    if options.get("net", "unet") != "unet":
        arguments = options.get("net_args", ())
        return imported_net(options["net"], arguments, in_channels=in_channels)
    return UNet(
        in_channels=in_channels,
        channels=_channels(options),
        style=BlockStyle(
            norm=options["norm"],
            num_convolutions=options.get("convolutions", 2),
            residual=options.get("residual", False),
            dropout=options.get("dropout", 0.0),
        ),
        up=options.get("up", "transposed"),
        deep_supervision=options.get("deep_supervision", False),
    )


def num_channels(options: Mapping[str, Any]) -> int:
    """Channels of a net's input: each neighboring slice in each window of HU."""
    neighbors: int = options["neighbors"]
    return neighbors * max(1, len(options.get("hu_window", ())))


def check_net(net: nn.Module, options: Mapping[str, Any], *, height: int, width: int) -> None:
    """Refuse a net that does not fit the slices.

    Args:
        net: What `build_net` made of the options.
        options: The options.
        height: Of the slices, in pixels.
        width: Of the slices, in pixels.

    Raises:
        lungseg.models.imported.NetError: If it does not fit.
    """
    if not isinstance(net, UNet):
        check_output(net, in_channels=num_channels(options), height=height, width=width)
        return
    depth, most = len(_channels(options)), max_depth(height, width)
    if depth > most:
        raise NetError(
            f"{depth} levels are too many for slices of {height} x {width} pixels: give at most "
            f"--depth {most}, or as many --channels"
        )


def check_crop(net: nn.Module, options: Mapping[str, Any], *, height: int, width: int) -> None:
    """Refuse squares, to be trained on, that the slices or the net have no room for.

    Args:
        net: What `build_net` made of the options.
        options: The options.
        height: Of the slices, in pixels.
        width: Of the slices, in pixels.

    Raises:
        lungseg.models.imported.NetError: If they do not fit.
    """
    size = options.get("crop_px")
    if size is None:
        return
    if size > min(height, width):
        raise NetError(
            f"--crop-px {size} is more than slices of {height} x {width} pixels have: give at "
            f"most {min(height, width)}, or None to train on whole slices"
        )
    if isinstance(net, UNet) and size % net.multiple:
        raise NetError(
            f"--crop-px must be a multiple of {net.multiple} for {len(_channels(options))} levels, "
            f"got {size}: give {max(2, size // net.multiple) * net.multiple}"
        )
    check_net(net, options, height=size, width=size)


def _channels(options: Mapping[str, Any]) -> list[int]:
    given = options.get("channels") or channels_of(options["width"], options["depth"])
    return list(given)
