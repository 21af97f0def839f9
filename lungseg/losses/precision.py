"""The precision that losses are computed in, whatever the net's is."""

import torch


def at_least_32_bits(*tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The tensors as floats of the widest type among them, 32 bits at least.

    A sum over a batch in 16-bit floats overflows, and is off by thousandths in bfloat16.
    """
    widest = torch.float32
    for tensor in tensors:
        widest = torch.promote_types(widest, tensor.dtype)
    return tuple(tensor.to(widest) for tensor in tensors)
