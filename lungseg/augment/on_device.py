"""The changes of all slices of a batch at once, where the batch is."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch.nn.functional import grid_sample, interpolate, pad

from lungseg.augment.draw import SliceDraw
from lungseg.augment.noise import normals
from lungseg.augment.strength import BEND_NODES, BLUR_REACH, RESOLUTIONS

_FLOAT = torch.float32


class BatchDraws(NamedTuple):
    """The changes of a batch as tensors: for each kind, which slices have it, and how far.

    Which they are is known before the batch is on the device, so that nothing waits for it there.

    Attributes:
        mirrored: (n,) int64 positions in the batch; so are the others of this kind.
        warped: Positions.
        matrices: (n, 2, 3) of the warped, as `SliceDraw.matrix`.
        bends: (n, 2, nodes, nodes) of the warped, as `SliceDraw.bend`.
        coarsened: Positions, for each of `RESOLUTIONS`.
        blurred: Positions.
        blurs: (n,) px.
        shaded: Positions.
        shades: (n, 2) factors and HU.
        raised: Positions.
        gammas: (n,) exponents.
        noisy: Positions.
        noises: (n,) HU.
        noise_keys: (n,) int64.
    """

    mirrored: torch.Tensor
    warped: torch.Tensor
    matrices: torch.Tensor
    bends: torch.Tensor
    coarsened: tuple[torch.Tensor, ...]
    blurred: torch.Tensor
    blurs: torch.Tensor
    shaded: torch.Tensor
    shades: torch.Tensor
    raised: torch.Tensor
    gammas: torch.Tensor
    noisy: torch.Tensor
    noises: torch.Tensor
    noise_keys: torch.Tensor

    def pinned(self) -> Self:
        """The same where a GPU fetches it without being waited for."""
        fields: dict[str, Any] = {
            name: tuple(part.pin_memory() for part in field)
            if isinstance(field, tuple)
            else field.pin_memory()
            for name, field in self._asdict().items()
        }
        return self._replace(**fields)


def collate(draws: Sequence[SliceDraw]) -> BatchDraws:
    """The draws of the slices of a batch, in their order, as tensors on the processor."""
    warped = [draw for draw in draws if draw.warps]
    noisy = [draw for draw in draws if draw.noise is not None]
    straight = np.eye(2, 3, dtype=np.float32)
    unbent = np.zeros((2, BEND_NODES, BEND_NODES), np.float32)
    return BatchDraws(
        mirrored=_where([draw.mirror for draw in draws]),
        warped=_where([draw.warps for draw in draws]),
        matrices=_stacked(
            [straight if draw.matrix is None else draw.matrix for draw in warped], (2, 3)
        ),
        bends=_stacked(
            [unbent if draw.bend is None else draw.bend for draw in warped], unbent.shape
        ),
        coarsened=tuple(
            _where([draw.resolution == resolution for draw in draws]) for resolution in RESOLUTIONS
        ),
        blurred=_where([draw.blur is not None for draw in draws]),
        blurs=_stacked([draw.blur for draw in draws if draw.blur is not None]),
        shaded=_where([draw.shade is not None for draw in draws]),
        shades=_stacked([draw.shade for draw in draws if draw.shade is not None], (2,)),
        raised=_where([draw.gamma is not None for draw in draws]),
        gammas=_stacked([draw.gamma for draw in draws if draw.gamma is not None]),
        noisy=_where([draw.noise is not None for draw in draws]),
        noises=_stacked([draw.noise for draw in noisy]),
        noise_keys=torch.tensor([draw.noise_key for draw in noisy], dtype=torch.int64),
    )


def augment(
    hu: torch.Tensor, mask: torch.Tensor, draws: BatchDraws, *, clip: tuple[int, int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Change the slices of a batch as drawn; the tensors given are left as they are.

    Args:
        hu: (b, channels, h, w), int16 or floats.
        mask: (b, 1, h, w) uint8.
        draws: The changes, on the same device.
        clip: Lowest and highest HU of the recipe; what comes from outside a slice is the lowest.

    Returns:
        (b, channels, h, w) float32 HU, and masks as before.
    """
    image, mask = hu.to(_FLOAT, copy=True), mask.clone()
    low, span = float(clip[0]), float(clip[1] - clip[0])
    for pixels in (image, mask):
        _change(pixels, draws.mirrored, lambda chosen: chosen.flip(-1))
    if len(draws.warped):
        places = _places(draws, mask)
        _change(mask, draws.warped, lambda chosen: _taken(chosen, places, "nearest"))
        _change(image, draws.warped, lambda x: _taken(x - low, places, "bilinear").add_(low))
    for resolution, coarsened in zip(RESOLUTIONS, draws.coarsened, strict=True):
        _change(image, coarsened, partial(_coarse, resolution=resolution))
    _change(image, draws.blurred, lambda chosen: _blurred(chosen, draws.blurs))
    _change(image, draws.shaded, lambda x: _within(_shaded(x, draws.shades, low), clip))
    _change(image, draws.raised, lambda x: _raised((x - low) / span, draws.gammas) * span + low)
    _change(image, draws.noisy, lambda x: _within(_noisy(x, draws), clip))
    return image, mask


def _change(
    pixels: torch.Tensor, where: torch.Tensor, how: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    """Put what is made of some slices of a batch in their place."""
    if len(where):
        pixels.index_copy_(0, where, how(pixels.index_select(0, where)).to(pixels.dtype))


def _places(draws: BatchDraws, like: torch.Tensor) -> torch.Tensor:
    """(n, h, w, 2) where pixels are taken from, -1 to 1 from edge to edge, for `grid_sample`."""
    height, width = like.shape[-2:]
    down = torch.arange(height, device=like.device, dtype=_FLOAT)[:, None]
    across = torch.arange(width, device=like.device, dtype=_FLOAT)
    weights = draws.matrices[..., None, None]
    places = weights[:, :, 0] * across + (weights[:, :, 1] * down + weights[:, :, 2])
    places += interpolate(draws.bends, size=(height, width), mode="bicubic", align_corners=False)
    columns, rows = places.unbind(1)
    return torch.stack([(2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1], dim=-1)


def _taken(pixels: torch.Tensor, places: torch.Tensor, mode: str) -> torch.Tensor:
    """The pixels at places; 0 outside."""
    return grid_sample(pixels.float(), places, mode, padding_mode="zeros", align_corners=False)


def _coarse(image: torch.Tensor, resolution: float) -> torch.Tensor:
    whole = image.shape[-2:]
    small = [round(size * resolution) for size in whole]
    sampled = interpolate(image, size=small, mode="bilinear", align_corners=False)
    return interpolate(sampled, size=whole, mode="bilinear", align_corners=False)


def _blurred(image: torch.Tensor, blurs: torch.Tensor) -> torch.Tensor:
    """Weigh neighbors with each slice's own Gaussian, along rows, then along columns."""
    steps = torch.arange(-BLUR_REACH, BLUR_REACH + 1, device=image.device)
    weights = torch.exp(-0.5 * (steps / blurs[:, None]) ** 2)
    weights = (weights / weights.sum(dim=1, keepdim=True))[..., None, None, None]
    for axis in (2, 3):
        size = image.shape[axis]
        reach = (0, 0, BLUR_REACH, BLUR_REACH) if axis == 2 else (BLUR_REACH, BLUR_REACH, 0, 0)
        padded = pad(image, reach, mode="replicate")
        shifted = [padded.narrow(axis, step, size) for step in range(2 * BLUR_REACH + 1)]
        image = torch.stack([weights[:, step] * part for step, part in enumerate(shifted)]).sum(0)
    return image


def _shaded(image: torch.Tensor, shades: torch.Tensor, low: float) -> torch.Tensor:
    contrast, brightness = (_per_slice(numbers) for numbers in shades.unbind(1))
    return image * contrast + (brightness + low * (1 - contrast))


def _raised(unit: torch.Tensor, gammas: torch.Tensor) -> torch.Tensor:
    return unit.clamp(0, 1).pow(_per_slice(gammas))


def _noisy(image: torch.Tensor, draws: BatchDraws) -> torch.Tensor:
    noise = normals(draws.noise_keys, image[0].numel()).reshape(image.shape)
    return image + noise * _per_slice(draws.noises)


def _within(image: torch.Tensor, clip: tuple[int, int]) -> torch.Tensor:
    return image.clamp_(*clip)


def _per_slice(numbers: torch.Tensor) -> torch.Tensor:
    """(n,) numbers to multiply (n, channels, h, w) with."""
    return numbers[:, None, None, None]


def _where(chosen: Sequence[bool]) -> torch.Tensor:
    return torch.tensor(np.flatnonzero(chosen), dtype=torch.int64)


def _stacked(values: Sequence[object], shape: tuple[int, ...] = ()) -> torch.Tensor:
    """The values as one tensor, where there are none of that shape too."""
    return torch.from_numpy(np.asarray(values, np.float32).reshape(-1, *shape))
