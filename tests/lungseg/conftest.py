"""What tests of prediction share: small scans with a bright ball, and a net that finds it."""

import types

import nibabel
import numpy as np
import pytest
import torch

from ingest.recipe import Recipe
from lungseg.inference.model_file import LoadedModel

SPACING_MM = (1.5, 1.5, 3.0)


class FindsBright(torch.nn.Module):
    """Says tumor where the middle channel exceeds a value in HU."""

    def __init__(self, above_hu):
        super().__init__()
        self.above_hu = above_hu

    def forward(self, batch):
        middle = batch.shape[1] // 2
        return 0.05 * (batch[:, middle : middle + 1] * 3071 - self.above_hu)


def ball(shape=(64, 64, 20), center=(40, 20, 12), radius_mm=12.0):
    """(i, j, k) uint8 in RAS axes."""
    steps = [(np.arange(n) - c) * s for n, c, s in zip(shape, center, SPACING_MM, strict=True)]
    x, y, z = np.meshgrid(*steps, indexing="ij")
    return (x**2 + y**2 + z**2 <= radius_mm**2).astype(np.uint8)


def write(path, array, *, orientation="LPS", tilt_degrees=0.0, shift_mm=0.0):
    """Write an array in RAS axes as NIfTI, stored along other axes and tilted around x."""
    orientations = nibabel.orientations
    affine = np.diag([*SPACING_MM, 1.0])
    affine[:3, 3] = (-50.0 + shift_mm, 30.0, 100.0)
    target = orientations.axcodes2ornt(orientation)
    turn = orientations.ornt_transform(orientations.axcodes2ornt("RAS"), target)
    turned = nibabel.Nifti1Image(array, affine).as_reoriented(turn)
    angle = np.radians(tilt_degrees)
    rotation = np.eye(4)
    rotation[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    image = nibabel.Nifti1Image(np.asarray(turned.dataobj), rotation @ turned.affine)
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)
    return path


def write_scan(path, truth, **where):
    """A scan, int16 HU: air, and 300 HU where the truth is 1."""
    return write(path, np.where(truth == 1, 300, -900).astype(np.int16), **where)


def files_of(folder):
    """What a prediction left, by name, but how it was asked for."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".yaml"}


@pytest.fixture
def scans():
    """Functions that make scans: `ball`, `write`, `write_scan`."""
    return types.SimpleNamespace(ball=ball, write=write, write_scan=write_scan)


@pytest.fixture
def make_model():
    """Makes a model that calls everything above some HU tumor."""

    def make(above_hu=-300.0, *, size=64, drop_slices=0, **further):
        return LoadedModel(
            net=FindsBright(above_hu).eval(),
            recipe=further.pop("recipe", Recipe(size=size, drop_slices=drop_slices)),
            **{
                "training_cases": ("ball_1",),
                "validation_cases": ("ball_2", "ball_3"),
                "options": {"lr": 0.001},
                **further,
            },
        )

    return make


@pytest.fixture
def folder(tmp_path, scans):
    for number, where in enumerate(("LPS", "SAR"), start=1):
        scans.write_scan(tmp_path / f"in/ball_{number}.nii.gz", scans.ball(), orientation=where)
    (tmp_path / "in/._ball_1.nii.gz").write_bytes(b"macOS was here")
    (tmp_path / "in/readme.txt").write_text("not a scan")
    return tmp_path / "in"
