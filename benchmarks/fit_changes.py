"""The changes of `--augment full`, as often and as far, by albumentations and by MONAI."""

import numpy as np
from shard_set import SCALE

from lungseg.augment import strength as limits

LOW, HIGH = -1000 * SCALE, 1.0
SPAN = HIGH - LOW
FULL = limits.STRENGTHS["full"]


def with_albumentations():
    """Of images (h, w, 1) from 0 to 1 and masks (h, w)."""
    import albumentations as albu
    import cv2

    cv2.setNumThreads(0)
    shift, hu = limits.MOST_SHIFT, SCALE / SPAN
    outside = {"border_mode": cv2.BORDER_CONSTANT, "fill": 0.0, "fill_mask": 0}
    return albu.Compose(
        [
            albu.HorizontalFlip(p=FULL.mirror),
            albu.Affine(
                scale=(1 / limits.MOST_ZOOM, limits.MOST_ZOOM),
                translate_percent=(-shift, shift),
                rotate=(-limits.MOST_TURN, limits.MOST_TURN),
                p=FULL.move,
                **outside,
            ),
            albu.ElasticTransform(alpha=30, sigma=6, approximate=True, p=FULL.bend, **outside),
            albu.Downscale(
                scale_range=(min(limits.RESOLUTIONS), max(limits.RESOLUTIONS)), p=FULL.coarsen
            ),
            albu.GaussianBlur(blur_limit=0, sigma_limit=limits.BLUR_PX, p=FULL.blur),
            albu.RandomBrightnessContrast(
                brightness_limit=limits.MOST_BRIGHTNESS_HU * hu,
                contrast_limit=limits.MOST_CONTRAST - 1,
                brightness_by_max=True,
                p=FULL.shade,
            ),
            albu.RandomGamma(gamma_limit=(91, 110), p=FULL.gamma),
            albu.GaussNoise(std_range=tuple(hu * each for each in limits.NOISE_HU), p=FULL.noise),
        ]
    )


def with_monai(size: int):
    """Of files of scaled images and of masks; what comes before the random ones is cached."""
    import monai.transforms as mt

    keys, image = ("ct", "mask"), ("ct",)
    modes = ("bilinear", "nearest")
    turn = np.deg2rad(limits.MOST_TURN)
    zoom = limits.MOST_ZOOM - 1
    shade = limits.MOST_CONTRAST - 1
    hu = limits.MOST_BRIGHTNESS_HU * SCALE
    gamma = (1 / limits.MOST_GAMMA, limits.MOST_GAMMA)
    return mt.Compose(
        [
            mt.LoadImaged(keys, reader="NumpyReader"),
            mt.EnsureChannelFirstd(keys, channel_dim="no_channel"),
            mt.EnsureTyped(keys, track_meta=False),
            mt.RandFlipd(keys, prob=FULL.mirror, spatial_axis=1),
            mt.RandAffined(
                keys,
                prob=FULL.move,
                rotate_range=turn,
                scale_range=(zoom, zoom),
                translate_range=(limits.MOST_SHIFT * size,) * 2,
                mode=modes,
                padding_mode="border",
            ),
            mt.Rand2DElasticd(
                keys,
                spacing=(16, 16),
                magnitude_range=(1, 3),
                prob=FULL.bend,
                mode=modes,
                padding_mode="border",
            ),
            mt.RandSimulateLowResolutiond(
                image,
                prob=FULL.coarsen,
                downsample_mode="nearest",
                upsample_mode="bilinear",
                zoom_range=(min(limits.RESOLUTIONS), max(limits.RESOLUTIONS)),
            ),
            mt.RandGaussianSmoothd(
                image, sigma_x=limits.BLUR_PX, sigma_y=limits.BLUR_PX, prob=FULL.blur
            ),
            mt.RandScaleIntensityd(image, factors=shade, prob=FULL.shade),
            mt.RandShiftIntensityd(image, offsets=hu, prob=FULL.shade),
            mt.RandAdjustContrastd(image, prob=FULL.gamma, gamma=gamma),
            mt.RandGaussianNoised(image, prob=FULL.noise, std=limits.NOISE_HU[1] * SCALE),
        ]
    )
