"""Scans for ingest_build.py: 512 x 512 int16, packed as hard as real ones, sparse masks."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt

SIZE = 512
NOISE_HU = {"sharp": 43.0, "soft": 13.0}
"""What decides how hard gzip packs: about 1.7 for sharp kernels, 2.4 for soft ones."""
_NOISES = 24
"""Different sheets of noise in a scan; gzip looks back a sixteenth of one."""


def make_scan(folder: Path, name: str, *, kernel: str, slices: int, seed: int) -> Path:
    """Write a scan and its mask, unless they are there; the image's path.

    Args:
        folder: Gets imagesTr and labelsTr.
        name: Of the case.
        kernel: One of `NOISE_HU`.
        slices: Number of slices.
        seed: Of noise and tumor.
    """
    image, label = (folder / kind / f"{name}.nii.gz" for kind in ("imagesTr", "labelsTr"))
    if not (image.exists() and label.exists()):
        rng = np.random.default_rng(seed)
        _write(label, _mask(slices, rng), np.uint8, slices)
        _write(image, _planes(kernel, slices, rng), np.int16, slices)
    return image


def gzip_ratio(path: Path) -> float:
    """Bytes of the content for each byte of the file."""
    with path.open("rb") as file:
        file.seek(-4, 2)
        return int.from_bytes(file.read(4), "little") / path.stat().st_size


def _planes(kernel: str, slices: int, rng: np.random.Generator) -> Iterator[npt.NDArray[Any]]:
    y, x = np.mgrid[-SIZE // 2 : SIZE // 2, -SIZE // 2 : SIZE // 2].astype(np.float32)
    noises = NOISE_HU[kernel] * rng.standard_normal((_NOISES, SIZE, SIZE), np.float32)
    for z in range(slices):
        wide = 1 + 0.05 * np.sin(z / 40)
        plane = np.where((x / 225) ** 2 + (y / 170) ** 2 < wide, 40.0, -1000.0)
        lungs = ((np.abs(x) - 105) / 80) ** 2 + (y / 125) ** 2 < wide
        noisy = np.where(lungs, -850, plane) + np.roll(noises[z % _NOISES], z, axis=0)
        if kernel == "soft":  # its scanner also pads what lies outside the round field
            noisy[x**2 + y**2 > (SIZE // 2) ** 2] = -1024
        yield np.maximum(np.rint(noisy), -1024)


def _mask(slices: int, rng: np.random.Generator) -> Iterator[npt.NDArray[Any]]:
    y, x = np.mgrid[:SIZE, :SIZE]
    middle, (row, column) = rng.integers(60, slices - 40), rng.integers(180, 330, 2)
    for z in range(slices):
        yield (y - row) ** 2 + (x - column) ** 2 + 4 * (z - middle) ** 2 < 30**2


def _write(path: Path, planes: Iterator[npt.NDArray[Any]], dtype: Any, slices: int) -> None:
    header = nibabel.Nifti1Image(
        np.zeros((1, 1, 1), dtype), np.diag([0.75, 0.75, 1.25, 1.0])
    ).header
    header.set_data_shape((SIZE, SIZE, slices))
    header["vox_offset"] = 352
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
        packed.write(header.binaryblock + bytes(4))
        for plane in planes:
            packed.write(plane.astype(dtype).tobytes())
