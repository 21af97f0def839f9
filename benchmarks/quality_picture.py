"""A picture of what a recipe of `quality.py` marks on each real patient that was left out.

    python benchmarks/quality_picture.py --folder runs/quality --recipe NAME --out docs/patients.png

A column per patient; above the slice with most tumor, below the one with most falsely marked. Blue
is the truth, orange the prediction.
"""

import argparse
import json
from pathlib import Path

import cv2
import nibabel
import numpy as np
from PIL import Image
from quality_data import run
from quality_recipes import RECIPES

from lungseg.report.pictures import (
    PREDICTION_COLOR,
    TRUTH_COLOR,
    caption,
    outline_picture,
    picture_size,
)
from lungseg.scores.dice import dice

EDGE = 280


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path("runs/quality"))
    parser.add_argument("--recipe", choices=RECIPES, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    columns = []
    for place in sorted(given.folder.glob(f"group_*/{given.recipe}-{given.seed}")):
        done = json.loads((place / "done.json").read_text())
        masks = place / "masks"
        checkpoint = ("--checkpoint", place.parent / done["model"])
        images = place / "real" / "imagesTr"
        flags = RECIPES[given.recipe].evaluate.split()
        where = ("--input", images, "--out", masks, "--skip-done")
        run("-m", "lungseg.predict", *checkpoint, *where, *flags)
        columns += [column(image, masks / image.name) for image in sorted(images.iterdir())]
    palette = Image.new("P", (1, 1))
    grays = np.repeat(np.linspace(0, 255, 30).round().astype(int), 3).tolist()
    palette.putpalette([*grays, *TRUTH_COLOR, *PREDICTION_COLOR])
    sheet = Image.fromarray(np.hstack(columns))
    sheet.quantize(palette=palette, dither=Image.Dither.NONE).save(given.out, optimize=True)


def column(image, mask):
    """Two slices of a patient, one above the other."""
    scan = nibabel.load(image)
    hu = np.asarray(scan.dataobj).astype(np.int16)
    truth = np.asarray(nibabel.load(str(image).replace("imagesTr", "labelsTr")).dataobj) > 0
    found = np.asarray(nibabel.load(mask).dataobj) > 0
    score = dice(*(int(np.sum(part)) for part in (truth & found, found & ~truth, truth & ~found)))
    canonical = [
        nibabel.as_closest_canonical(nibabel.Nifti1Image(array.astype(np.int16), scan.affine))
        for array in (hu, truth, found)
    ]
    volumes = [np.asarray(each.dataobj) for each in canonical]
    mm = canonical[0].header.get_zooms()
    name = image.name.removesuffix(".nii.gz")
    _, marked, predicted = volumes
    best = int(marked.sum((0, 1)).argmax())
    worst = int((predicted > marked).sum((0, 1)).argmax())
    return np.vstack(
        [
            drawn(volumes, best, mm, f"{name}  Dice {score:.2f}"),
            drawn(volumes, worst, mm, f"slice {worst}"),
        ]
    )


def drawn(volumes, z, mm, text):
    """A slice with outlines on a black square."""
    hu, truth, found = (np.ascontiguousarray(volume[:, :, z].T) for volume in volumes)
    size = picture_size((hu.shape[0] * mm[1], hu.shape[1] * mm[0]), edge=EDGE)
    masks = [mask.astype(np.uint8) for mask in (truth, found)]
    picture = outline_picture(hu, *masks, size=size)
    up, left = ((EDGE - side) // 2 for side in size)
    down, right = EDGE - size[0] - up, EDGE - size[1] - left
    return caption(cv2.copyMakeBorder(picture, up, down, left, right, cv2.BORDER_CONSTANT), text)


if __name__ == "__main__":
    main()
