"""There and back: a mask through a shard, a net that changes nothing, and a file, on any grid."""

import itertools

import cv2
import nibabel
import numpy as np
import pytest
import torch
import webdataset

from ingest.case import Case
from ingest.readers import open_image, open_label
from ingest.recipe import Recipe
from ingest.scans.geometry import to_canonical
from ingest.scans.volume import whole
from lungseg.inference.model_file import LoadedModel
from lungseg.inference.one_scan import predict_one
from lungseg.inference.options import PredictOptions
from shards.writer import ShardWriter
from tests.toy_cases import slices_of

SHAPE = (44, 37, 12)  # RAS; larger than slices of 32, by no whole number
SPACING_MM = (0.7, 0.9, 2.5)
ORIENTATIONS = [
    "".join(letters)
    for axes in itertools.permutations(("RL", "AP", "SI"))
    for letters in itertools.product(*axes)
]
SERIES = ["LPS", "RPS", "LAS", "RAS", "LPI", "LSP", "PSL"]  # columns and rows negated, sides
RECIPES = {
    "nearest": Recipe(size=32, drop_slices=0, mask="nearest"),
    "area": Recipe(size=32, drop_slices=0),
    "pitch": Recipe(size=48, drop_slices=0, mask="area", pixel_mm=0.8),
}


class FromShard(torch.nn.Module):
    """A net that changes nothing: it answers the mask that the shard has beside the slice."""

    def __init__(self, shard):
        super().__init__()
        samples = webdataset.WebDataset(str(shard), shardshuffle=False).decode()
        self.masks = {one["ct.npy"].tobytes(): one["mask.npy.gz"] for one in samples}

    def forward(self, batch):
        slices = (batch[:, 0] * 3071).round().short().numpy()
        found = np.stack([self.masks[one.tobytes()] for one in slices])
        return torch.from_numpy(found[:, None]).float() * 40 - 20


def chest(seed=0):
    """Noise in HU, (i, j, k) in RAS, and tumor of two sizes above 0 HU."""
    hu = np.random.default_rng(seed).integers(-900, -500, SHAPE).astype(np.int16)
    steps = np.meshgrid(*(np.arange(n) * s for n, s in zip(SHAPE, SPACING_MM, strict=True)),
                        indexing="ij")  # fmt: skip
    for center, radius_mm in (((12, 20, 14), 7.0), ((22.0, 12.0, 20), 4.0)):
        far = sum((step - c) ** 2 for step, c in zip(steps, center, strict=True))
        hu[far <= radius_mm**2] += 1200
    return hu


def placed(orientation, tilt_degrees):
    """The chest along other axes, turned in space: voxels and a RAS affine."""
    orientations = nibabel.orientations
    target = orientations.axcodes2ornt(orientation)
    turn = orientations.ornt_transform(orientations.axcodes2ornt("RAS"), target)
    image = nibabel.Nifti1Image(chest(), np.diag([*SPACING_MM, 1])).as_reoriented(turn)
    a, b = np.radians(tilt_degrees), np.radians(tilt_degrees / 2)
    about_x = [[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]]
    about_z = [[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]]
    affine = image.affine.copy()
    affine[:3] = np.array(about_x) @ np.array(about_z) @ affine[:3]
    affine[:3, 3] += (-50, 30, 100)
    return np.asarray(image.dataobj), affine


def ceiling(truth, grid, recipe):
    """What the recipe's resizing leaves of a mask, by OpenCV alone."""
    best = np.zeros(truth.shape, np.uint8)
    planes, there = to_canonical(truth, grid), to_canonical(best, grid)
    rule = cv2.INTER_NEAREST if recipe.mask == "nearest" else cv2.INTER_AREA
    for z in range(planes.shape[2]):
        plane = np.ascontiguousarray(planes[:, :, z].T, np.float32)
        small = cv2.resize(plane, (recipe.size, recipe.size), interpolation=rule) >= 0.5 - 1e-6
        back = cv2.resize(small.astype(np.float32), plane.shape[::-1])
        there[:, :, z] = (back >= 0.5).T
    return best


def dice(one, other):
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


def there_and_back(image, tmp_path, recipe, kind):
    """Predict the scan at `image` from the shard that is built of it; its truth, and the file."""
    scan = open_image(image)
    truth = (whole(scan, np.int16) > 0).astype(np.uint8)
    label = tmp_path / "label.nii.gz"
    nibabel.save(nibabel.Nifti1Image(truth, scan.grid.matrix), label)
    case = Case(name="a", image=image, label=label, patient="a")
    with ShardWriter(tmp_path / "a.tar", case="a") as shard:
        for record in slices_of(case, recipe):
            shard.add(record)
        shard.finish()
    model = LoadedModel(net=FromShard(tmp_path / "a.tar"), recipe=recipe, options={})
    out = tmp_path / "out"
    out.mkdir()
    options = PredictOptions(checkpoint=out, input=image, out=out, device="cpu", format=kind)
    device = torch.device("cpu")
    (name,) = predict_one(case, model, options, device=device, step=lambda _: None)["files"]
    return truth, scan.grid, out / name


def check(truth, found, grid, recipe):
    apart = np.argwhere(found).mean(axis=0) - np.argwhere(truth).mean(axis=0)
    # nearest neighbor takes the pixel beside the center: half a step of a slice's pixels more
    assert np.abs(apart).max() < (0.5 if recipe.mask == "area" else 0.7)
    reached = dice(truth, found)
    if recipe.pixel_mm is None:
        assert reached == dice(truth, ceiling(truth, grid, recipe))
    assert reached > 0.9


@pytest.mark.parametrize(
    ("orientation", "tilt", "recipe"),
    [
        *((where, 0, "area") for where in ORIENTATIONS),
        *((where, 17, "area") for where in ORIENTATIONS[::5]),
        *((where, 0, "nearest") for where in ORIENTATIONS[::7]),
        *((where, -29, "pitch") for where in ORIENTATIONS[3::7]),
    ],
)
def test_a_mask_comes_back_through_nifti(tmp_path, orientation, tilt, recipe):
    hu, affine = placed(orientation, tilt)
    image = nibabel.Nifti1Image(hu, affine)
    nibabel.save(image, tmp_path / "a.nii.gz")
    recipe = RECIPES[recipe]
    truth, grid, path = there_and_back(tmp_path / "a.nii.gz", tmp_path, recipe, "nifti")
    made = nibabel.load(path)
    assert made.shape == hu.shape
    assert (made.affine == nibabel.load(tmp_path / "a.nii.gz").affine).all()
    assert np.array_equal(truth, hu > 0)
    check(truth, np.asarray(made.dataobj), grid, recipe)


@pytest.mark.parametrize("kind", ["nifti", "dicom-seg"])
@pytest.mark.parametrize(("orientation", "tilt"), [*((s, 0) for s in SERIES), ("RPS", 17)])
def test_a_mask_comes_back_through_dicom(tmp_path, write_series, orientation, tilt, kind):
    hu, affine = placed(orientation, tilt)
    write_series(tmp_path / "ct", hu, affine)
    recipe = RECIPES["area"]
    truth, grid, path = there_and_back(tmp_path / "ct", tmp_path, recipe, kind)
    if kind == "nifti":
        assert np.abs(nibabel.load(path).affine - grid.matrix).max() < 1e-4  # float32
    found = whole(open_label(path, on=grid), np.uint8)
    check(truth, found, grid, recipe)
