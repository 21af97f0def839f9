"""MONAI's BasicUNet with DiceCE and its usual transforms, for the seconds of a processor given.

    python benchmarks/quality_monai.py --source DIR --test DIR --out DIR --seconds 150

Slices are resampled to one pitch and windowed; patches around tumor and elsewhere are drawn in
equal shares, mirrored, turned, scaled and shifted in intensity; AdamW with a cosine over the time
that is left; masks by a sliding window, on each scan's own grid.
"""

import argparse
import math
import time
from pathlib import Path

import monai.transforms as mt
import nibabel
import numpy as np
import torch
from monai.inferers import sliding_window_inference
from monai.losses import DiceCELoss
from monai.networks.nets import BasicUNet

PATCH, BATCH, LR = 96, 8, 1e-3
WINDOW_HU = (-1000, 400)
FEATURES = (16, 16, 32, 64, 128, 16)  # half of BasicUNet's default: for processors


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--pixel-mm", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.manual_seed(given.seed)
    torch.set_num_threads(1)
    slices = [piece for pair in pairs(given.source) for piece in read(*pair, given.pixel_mm)]
    net = train(slices, given)
    out = given.out / "masks"
    out.mkdir(parents=True, exist_ok=True)
    for image, _ in pairs(given.test):
        write_mask(net, image, out / image.name, given.pixel_mm)


def pairs(folder):
    images = sorted((folder / "imagesTr").glob("*.nii.gz"))
    return [(image, folder / "labelsTr" / image.name) for image in images]


def canonical(path):
    return nibabel.as_closest_canonical(nibabel.load(path))


def resampled(volume, zooms, pixel_mm, mode):
    """(x, y, z) on pixels of a pitch: z becomes the batch, so that each slice stands alone."""
    size = [max(1, round(n * mm / pixel_mm)) for n, mm in zip(volume.shape, zooms, strict=False)]
    stack = torch.from_numpy(np.ascontiguousarray(volume.transpose(2, 0, 1))).float()[:, None]
    options = {} if mode == "nearest" else {"align_corners": False, "antialias": True}
    return torch.nn.functional.interpolate(stack, size=size[:2], mode=mode, **options)


def read(image, label, pixel_mm):
    """Dictionaries of the slices of a scan, (1, x, y) each."""
    scan, mask = canonical(image), canonical(label)
    zooms = scan.header.get_zooms()
    hu = resampled(np.asarray(scan.dataobj, np.float32), zooms, pixel_mm, "bilinear")
    truth = resampled(np.asarray(mask.dataobj, np.uint8), zooms, pixel_mm, "nearest")
    return [
        {"image": one.half(), "label": two.to(torch.uint8)}
        for one, two in zip(windowed(hu), truth, strict=True)
    ]


def windowed(hu):
    low, high = WINDOW_HU
    return ((hu - low) / (high - low)).clip(0, 1)


def drawn_patches(seed):
    keys = ("image", "label")
    transforms = mt.Compose(
        [
            mt.SpatialPadd(keys, (PATCH, PATCH)),
            mt.RandCropByPosNegLabeld(keys, "label", (PATCH, PATCH), pos=1, neg=1, num_samples=1),
            mt.RandFlipd(keys, prob=0.5, spatial_axis=0),
            mt.RandFlipd(keys, prob=0.5, spatial_axis=1),
            mt.RandRotate90d(keys, prob=0.1, max_k=3),
            mt.RandScaleIntensityd("image", factors=0.1, prob=0.5),
            mt.RandShiftIntensityd("image", offsets=0.1, prob=0.5),
        ]
    )
    return transforms.set_random_state(seed)


def train(slices, given):
    """Draw half of the patches from slices with tumor until the seconds are spent."""
    net = BasicUNet(spatial_dims=2, in_channels=1, out_channels=2, features=FEATURES)
    loss_of = DiceCELoss(to_onehot_y=True, softmax=True)
    optimizer = torch.optim.AdamW(net.parameters(), LR)
    draw, rng = drawn_patches(given.seed), np.random.default_rng(given.seed)
    tumor = [one for one in slices if one["label"].any()]
    start = time.process_time()  # what came before was reading, which ours does apart too
    while (spent := (time.process_time() - start) / given.seconds) < 1:
        optimizer.param_groups[0]["lr"] = LR * (1 + math.cos(math.pi * spent)) / 2
        chosen = [pool[rng.integers(len(pool))] for pool in (tumor, slices) * (BATCH // 2)]
        patches = [draw({k: v.float() for k, v in one.items()})[0] for one in chosen]
        image, label = (torch.stack([one[key] for one in patches]) for key in ("image", "label"))
        with torch.autocast("cpu", torch.bfloat16):
            logits = net(image.as_tensor())
        loss = loss_of(logits.float(), label.as_tensor())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net.eval()


@torch.inference_mode()
def write_mask(net, image, out, pixel_mm):
    scan = canonical(image)
    hu = np.asarray(scan.dataobj, np.float32)
    pixels = windowed(resampled(hu, scan.header.get_zooms(), pixel_mm, "bilinear"))
    planes = []
    for piece in pixels.split(1):
        logits = sliding_window_inference(piece, (PATCH, PATCH), 4, net, overlap=0.25)
        share = torch.nn.functional.interpolate(
            logits.softmax(1)[:, 1:], size=hu.shape[:2], mode="bilinear", align_corners=False
        )
        planes.append((share[0, 0] >= 0.5).numpy())
    mask = nibabel.Nifti1Image(np.stack(planes, -1).astype(np.uint8), scan.affine)
    stored = nibabel.orientations.io_orientation(nibabel.load(image).affine)
    nibabel.save(mask.as_reoriented(nibabel.orientations.ornt_transform(
        nibabel.orientations.io_orientation(mask.affine), stored)), out)  # fmt: skip


if __name__ == "__main__":
    main()
