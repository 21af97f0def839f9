"""What the recipes of `quality.py` train on: phantoms, real scans, and slices of more patients."""

import shutil
import subprocess
import sys

import nibabel
import numpy as np

CHOOSING = 8  # phantoms that choose the checkpoint
PATCH_MM = 2.0


def run(*words):
    """Run a command as a user does; an error ends the benchmark."""
    words = [sys.executable, *map(str, words)]
    done = subprocess.run(words, check=False, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(f"{' '.join(words[1:])}\n{done.stderr.decode()[-2000:]}")


def name_of(image):
    return image.name.removesuffix(".nii.gz")


def make_phantoms(given):
    out = given.folder / "phantoms"
    if not out.exists():
        counts = ("--cases", given.phantoms, "--test-cases", given.unseen, "--workers", 1)
        run("-m", "ingest", "phantom", "--out", out, *counts, "--slices", given.slices)


def real_cases(folders):
    """(image, label) of each real case, by name."""
    images = sorted(image for folder in folders for image in folder.glob("imagesTr/*.nii.gz"))
    if len(images) < 2:
        sys.exit(f"--real needs at least two cases with labels, found {len(images)} in {folders}")
    return [(image, image.parents[1] / "labelsTr" / image.name) for image in images]


def source(folder, pairs, names=("imagesTr", "labelsTr")):
    """A data set of links to images and labels."""
    shutil.rmtree(folder, ignore_errors=True)
    for place, files in zip(names, zip(*pairs, strict=True), strict=True):
        (folder / place).mkdir(parents=True, exist_ok=True)
        for file in files:
            (folder / place / file.name).symlink_to(file.absolute())
    return folder


def phantom_pairs(given, kind):
    return labeled_pairs(given.folder / "phantoms", kind)


def labeled_pairs(root, kind="Tr"):
    """(image, label) of each case of a data set, by name."""
    images = sorted((root / f"images{kind}").glob("*.nii.gz"))
    return [(image, root / f"labels{kind}" / image.name) for image in images]


def patch_pairs(given):
    """Single slices of 48 x 48 pixels of patients of the Decathlon, each as a scan of its own.

    They hold about (HU + 1000) / 1100, clipped to 0..1.
    """
    out = given.folder / "patches"
    if not out.exists():
        half = out.with_name("patches.unfinished")
        for kind in ("imagesTr", "labelsTr"):
            (half / kind).mkdir(parents=True, exist_ok=True)
        for file in sorted(given.patches.glob("*.npz")):
            with np.load(file) as held:
                images, labels = (held[name] for name in ("images", "labels"))
            for number, (image, label) in enumerate(zip(images, labels, strict=True)):
                hu = np.rint(np.squeeze(image) * 1100 - 1000).astype(np.int16)
                mask = (np.squeeze(label) > 0).astype(np.uint8)
                for kind, array in (("imagesTr", hu), ("labelsTr", mask)):
                    pixels = np.ascontiguousarray(array.T[:, ::-1, np.newaxis])
                    nibabel.save(
                        nibabel.Nifti1Image(pixels, np.diag([PATCH_MM, PATCH_MM, PATCH_MM, 1])),
                        half / kind / f"{file.stem}_{number:03d}.nii.gz",
                    )
        half.rename(out)
    return [
        (image, out / "labelsTr" / image.name) for image in sorted(out.glob("imagesTr/*.nii.gz"))
    ]


def training_source(given, folder, real, *, patches):
    """A data set of phantoms and of the real cases that a group leaves, and its folds."""
    more = patch_pairs(given) if patches else []
    return source_with_folds(folder, [*phantom_pairs(given, "Tr"), *real, *more])


def source_with_folds(folder, pairs):
    """A data set of links, of which the first few, phantoms, are held out of the training."""
    names = [name_of(image) for image, _ in pairs]
    rows = [f"{name},{int(place >= CHOOSING)}" for place, name in enumerate(names)]
    out = source(folder, pairs)
    (folder / "folds.csv").write_text("\n".join(["case,fold", *rows]) + "\n")
    return out


def build(out, folder, options):
    """Shards of a data set."""
    if not (out / "manifest.json").exists():
        rule = ("--drop-slices", 0, "--folds-file", folder / "folds.csv", "--workers", 1)
        run("-m", "ingest", "build-shards", "--source", folder, "--out", out, *rule, *options)
