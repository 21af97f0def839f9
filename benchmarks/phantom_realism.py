"""How far synthetic chests are from real ones: what can be measured of both, side by side.

    python benchmarks/phantom_realism.py --real DIR [DIR ...] [--phantoms 12]

The real scans are folders in the layout of the Medical Segmentation Decathlon. Each measure is
taken per scan, on its axial slices with lung; the table has the median over scans and the range.
"""

import argparse
import time
from pathlib import Path

import cv2
import nibabel
import numpy as np

from ingest.phantom.case import make_phantom
from lungseg.augment.graft import lung_of

FAT, TISSUE = (-160, -40), (-10, 110)  # HU within which the peaks are looked for
VESSEL_HU = -500
LEAST_LUNG = 0.04  # share of a slice
EVERY_MM = 6.0  # a slice without tumor is looked at


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--real", type=Path, nargs="+", required=True)
    parser.add_argument("--phantoms", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=256)
    given = parser.parse_args()
    real = [measured(*scan) for folder in given.real for scan in real_scans(folder)]
    begin = time.process_time()
    chests = [
        make_phantom(seed=given.seed, case=number + 1, size=given.size)
        for number in range(given.phantoms)
    ]
    seconds = (time.process_time() - begin) / given.phantoms
    made = [measured(chest.image, chest.label, chest.spacing_mm) for chest in chests]
    report(real, made)
    print(f"\n{seconds:.1f} processor seconds a phantom")


def real_scans(folder):
    """(HU, mask, mm) of each labeled scan, axes to the right, the front and up."""
    for image in sorted(folder.glob("imagesTr/*.nii.gz")):
        scan = nibabel.as_closest_canonical(nibabel.load(image))
        label = nibabel.load(folder / "labelsTr" / image.name)
        mask = np.asarray(nibabel.as_closest_canonical(label).dataobj) > 0
        hu = np.clip(np.asarray(scan.dataobj), -1024, 3071).astype(np.int16)
        yield hu, mask.astype(np.uint8), scan.header.get_zooms()[:3]


def measured(image, label, spacing_mm):
    """The measures of one scan: name -> number; NaN where it shows nothing of the kind."""
    step = max(1, round(EVERY_MM / float(spacing_mm[2])))
    samples = {name: [] for name in MEASURES}
    for k in range(image.shape[2]):
        plane, mask = (np.ascontiguousarray(volume[:, :, k].T) for volume in (image, label))
        if k % step and not mask.any():
            continue
        for name, values in of_plane(plane, mask, float(spacing_mm[0])).items():
            samples[name].append(np.ravel(values))
    joined = {name: np.concatenate(parts) if parts else [] for name, parts in samples.items()}
    return {
        name: float(how(joined[name])) if len(joined[name]) else np.nan
        for name, how in MEASURES.items()
    } | {"slice, mm": float(spacing_mm[2]), "pixel, mm": float(spacing_mm[0])}


def of_plane(plane, mask, pixel_mm):
    """What a slice adds to the samples of each measure; a slice without lung adds nothing."""
    lung = lung_of(plane)
    if lung.mean() < LEAST_LUNG:
        return {}
    hu = plane.astype(np.float32)
    deep_mm = cv2.distanceTransform(lung, cv2.DIST_L2, 5) * pixel_mm
    free = (lung > 0) & (cv2.dilate(mask, None, iterations=5) == 0)
    tissue = cv2.erode((np.abs(hu - 40) < 200).astype(np.uint8), None, iterations=4) > 0
    grain = hu - cv2.GaussianBlur(hu, (0, 0), 2.0)
    both = tissue[:, 1:] & tissue[:, :-1]
    slope = np.hypot(*(cv2.Sobel(hu, -1, *way, scale=1 / 8) for way in ((1, 0), (0, 1)))) / pixel_mm
    rim = (cv2.dilate(lung, None) > 0) & (cv2.erode(lung, None) == 0) & (mask == 0)
    edge = (cv2.dilate(mask, None) > cv2.erode(mask, None)) & (cv2.dilate(lung, None) > 0)
    return {
        "lung, HU": hu[free & (deep_mm > 5)],
        "lung, 95th percentile": hu[free & (deep_mm > 5)],
        "vessels 5 to 15 mm deep, %": hu[free & (deep_mm > 5) & (deep_mm < 15)] > VESSEL_HU,
        "vessels deeper than 25 mm, %": hu[free & (deep_mm > 25)] > VESSEL_HU,
        "fat, HU": hu[(hu > FAT[0]) & (hu < FAT[1])],
        "muscle and blood, HU": hu[(hu > TISSUE[0]) & (hu < TISSUE[1])],
        "noise in tissue, HU": grain[tissue],
        "noise, correlation of neighbors": np.stack(
            [grain[:, 1:][both] * grain[:, :-1][both], grain[:, 1:][both] ** 2], axis=-1
        ),
        "lung's border, HU per mm": slope[rim],
        "body, % of the slice": hu > -300,
        "tumor, HU": hu[mask > 0],
        "tumor, quartiles apart": hu[mask > 0],
        "tumor below -300 HU, %": hu[mask > 0] < -300,
        "tumor's border in lung, HU per mm": slope[edge],
    }


def peak(values):
    """The most frequent value, in steps of 4."""
    counts, ends = np.histogram(values, np.arange(-400, 400, 4))
    return ends[counts.argmax()] + 2


def percent(values):
    return 100 * np.mean(values)


def spread(values):
    """Standard deviation, by the median distance from 0."""
    return 1.4826 * np.median(np.abs(values))


def correlation(products):
    together, alone = products.reshape(-1, 2).sum(axis=0)
    return together / alone


MEASURES = {
    "lung, HU": np.median,
    "lung, 95th percentile": lambda values: np.percentile(values, 95),
    "vessels 5 to 15 mm deep, %": percent,
    "vessels deeper than 25 mm, %": percent,
    "fat, HU": peak,
    "muscle and blood, HU": peak,
    "noise in tissue, HU": spread,
    "noise, correlation of neighbors": correlation,
    "lung's border, HU per mm": np.median,
    "body, % of the slice": percent,
    "tumor, HU": np.median,
    "tumor, quartiles apart": lambda values: np.subtract(*np.percentile(values, [75, 25])),
    "tumor below -300 HU, %": percent,
    "tumor's border in lung, HU per mm": np.median,
}


def report(real, made):
    print(f"| measure | {len(real)} real scans | {len(made)} phantoms | phantoms outside, % |")
    print("|---|---|---|---|")
    for name in made[0]:
        ours, theirs = (np.array([scan[name] for scan in scans]) for scans in (made, real))
        ours, theirs = ours[np.isfinite(ours)], theirs[np.isfinite(theirs)]
        outside = 100 * np.mean((ours < theirs.min()) | (ours > theirs.max()))
        print(f"| {name} | {in_words(theirs)} | {in_words(ours)} | {outside:.0f} |")


def in_words(values):
    return f"{np.median(values):.3g} ({values.min():.3g} to {values.max():.3g})"


if __name__ == "__main__":
    main()
