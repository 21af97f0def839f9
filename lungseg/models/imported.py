"""A net of the user's own, by the import path of its class."""

import ast
import importlib
import inspect
import json
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from shards.console.errors import KnownError
from shards.console.words import in_a_line


class NetError(KnownError):
    """A net cannot be made, or does not fit the slices."""


def imported_net(path: str, arguments: Iterable[str], *, in_channels: int) -> nn.Module:
    """Make a net from its class.

    Args:
        path: `package.module:Class`, a subclass of `torch.nn.Module` that Python can import.
        arguments: `name=value` for the class, a value as in Python or JSON, or else a text.
        in_channels: Channels of the input; given to a class that takes an argument of this name.

    Raises:
        NetError: If there is no such class, or it cannot be made with the arguments.
    """
    made_of = _class_at(path)
    values = dict(_argument(text) for text in arguments)
    if "in_channels" in inspect.signature(made_of).parameters:
        values = {"in_channels": in_channels} | values
    try:
        return made_of(**values)
    except (TypeError, ValueError, RuntimeError, AttributeError, KeyError) as error:
        raise NetError(
            f"--net {path} cannot be made with {values} ({_line(error)}): mend --net-args"
        ) from error


def check_output(net: nn.Module, *, in_channels: int, height: int, width: int) -> None:
    """Hold a net against what training asks of it: one logit per pixel.

    Args:
        net: The net.
        in_channels: Channels of the input.
        height: Of the slices, in pixels.
        width: Of the slices, in pixels.

    Raises:
        NetError: If it cannot take such slices, or gives something else.
    """
    training = net.training
    try:
        with torch.no_grad():
            found = net.eval()(torch.zeros(1, in_channels, height, width))
    except (RuntimeError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise NetError(
            f"the net cannot take slices of {in_channels} x {height} x {width} ({_line(error)}): "
            "choose another --net or --net-args"
        ) from error
    finally:
        net.train(training)
    shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
    if shape != (1, 1, height, width):
        raise NetError(
            f"the net must make logits (1, 1, {height}, {width}) of one slice of {in_channels} "
            f"channels, got {shape}: choose another --net or --net-args"
        )


def _class_at(path: str) -> type[nn.Module]:
    module, _, name = path.partition(":")
    if not (module and name):
        raise NetError(f"--net must be unet or package.module:Class, got {path}")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise NetError(
            f"--net {path} cannot be imported ({_line(error)}): it must lie in an installed "
            "package, in this folder, or on PYTHONPATH"
        ) from error
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise NetError(f"--net {path} must be a subclass of torch.nn.Module, got {found!r}")
    return found


def _argument(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (equals and name.isidentifier()):
        raise NetError(f"--net-args needs name=value, got {text}")
    for read in (ast.literal_eval, json.loads):
        try:
            return name, read(value)
        except (ValueError, SyntaxError):
            continue
    return name, value


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {in_a_line(error)}"
