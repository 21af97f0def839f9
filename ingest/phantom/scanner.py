"""Turn a synthetic chest into slices as a CT scanner would: thick, blurred, noisy, padded."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest.phantom import organs as organs
from ingest.phantom.canvas import Canvas, Frame, Image, coverage
from ingest.phantom.patient import Patient
from ingest.phantom.tree import Pieces
from ingest.phantom.tumor import Tumor

Points = NDArray[np.float64]

LOWEST_HU, HIGHEST_HU = -1024, 3071
SECTION_MM = 2.0
"""A slice is the average of sections about this thick."""
FINEST_SIZE = 640
"""Sections are painted at twice the scan's resolution, where that stays below this size."""


@dataclass(frozen=True)
class Kernel:
    """How a reconstruction kernel trades sharpness for noise."""

    blur_mm: float
    """Standard deviation of the blur within the slice."""
    edge_gain: float
    """How much of the detail finer than 1.2 mm is added again."""
    noise_hu: float
    """Standard deviation of the noise in the middle of the body, for 4 mm slices."""
    grain_pixels: float
    """Standard deviation of the noise's own blur; 0 for noise of high frequency."""


KERNELS = {
    "soft": Kernel(0.75, 0.0, 13.0, 0.8),
    "standard": Kernel(0.5, 0.15, 24.0, 0.55),
    "sharp": Kernel(0.4, 0.6, 52.0, 0.0),
}


@dataclass(frozen=True)
class Scan:
    """The voxel grid of a scan, in mm of the scan, and how it is reconstructed."""

    frame: Frame
    first_z: float
    thickness: float
    num_slices: int
    kernel: str
    padding_hu: int | None

    def z_mm(self) -> Points:
        """Middle of each slice."""
        return np.asarray(self.first_z + self.thickness * np.arange(self.num_slices))


@dataclass(frozen=True)
class Chest:
    """A patient with the vessels, airways and tumors of the lungs, in mm of the scan."""

    patient: Patient
    vessels: Pieces
    airways: Pieces
    tumors: list[Tumor]


def scan_chest(chest: Chest, scan: Scan, rng: np.random.Generator) -> NDArray[np.int16]:
    """Scan a chest.

    Args:
        chest: What to scan.
        scan: The grid and the reconstruction.
        rng: Source of noise and texture.

    Returns:
        HU (x, y, z).
    """
    frame = scan.frame
    cloud = rng.standard_normal((scan.num_slices // 3 + 3, 24, 24), np.float32)
    axis = frame.axis_mm()
    radius = np.hypot(axis[None, :], axis[:, None])
    strength = (0.45 + 0.75 * np.exp(-((radius / 120) ** 2))).astype(np.float32)
    volume = np.empty((scan.num_slices, frame.size, frame.size), np.int16)
    for k, z_mm in enumerate(scan.z_mm()):
        image, lung = _average_sections(chest, float(z_mm), scan)
        image += lung * _lung_texture(chest.patient, frame, _layer(cloud, k), rng)
        _add_tissue_texture(image, rng)
        image += strength * _noise(scan, rng)
        if z_mm > 80 * chest.patient.scale[2]:
            image += 0.8 * strength * _streaks(frame.size, rng)
        volume[k] = np.round(np.clip(image, LOWEST_HU, HIGHEST_HU)).astype(np.int16)
        if scan.padding_hu is not None:
            volume[k][radius > frame.pitch * frame.size / 2] = scan.padding_hu
    return volume.transpose(2, 1, 0)


def _average_sections(chest: Chest, z_mm: float, scan: Scan) -> tuple[Image, Image]:
    """Average thin sections over a slice's thickness, and blur them.

    Returns:
        HU (row, column), and the share of each pixel that is plain lung.
    """
    size = scan.frame.size
    finer = 2 if 2 * size <= FINEST_SIZE else 1
    frame = Frame(size * finer, scan.frame.pitch / finer)
    lung_content = _lung_content(chest, z_mm, scan.thickness, frame)
    num_sections = max(1, round(scan.thickness / SECTION_MM))
    image, lung = np.zeros((2, frame.size, frame.size), np.float32)
    for offset in (np.arange(num_sections) + 0.5) / num_sections - 0.5:
        section = _paint_section(chest, z_mm + scan.thickness * float(offset), frame, lung_content)
        image += section
        lung += section == organs.LUNG
    image /= np.float32(num_sections)
    lung /= np.float32(num_sections)
    image = _blur(image, KERNELS[scan.kernel], frame.pitch)
    image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    return image, cv2.resize(lung, (size, size), interpolation=cv2.INTER_AREA)


def _lung_content(chest: Chest, z_mm: float, thickness: float, frame: Frame) -> Image:
    """HU of vessels and airways in lung tissue, over a whole slice; `organs.LUNG` between them."""
    content = np.full((frame.size, frame.size), organs.LUNG, np.float32)
    for pieces, hu in (
        (chest.vessels, chest.patient.blood_hu),
        (chest.airways.scaled(1.12, 0.45), organs.AIRWAY_WALL),
        (chest.airways, organs.AIRWAY),
    ):
        content += coverage(pieces, z_mm, thickness, frame) * (np.float32(hu) - content)
    return content


def _paint_section(chest: Chest, z_mm: float, frame: Frame, lung_content: Image) -> Image:
    """Paint one thin section from the outside in."""
    canvas = Canvas(frame, chest.patient, z_mm / chest.patient.scale[2], hu=organs.AIR)
    organs.paint_table(canvas)
    organs.paint_trunk(canvas)
    organs.paint_chest_wall(canvas)
    organs.paint_lungs(canvas)
    np.copyto(canvas.image, lung_content, where=canvas.image == organs.LUNG)
    for tumor in chest.tumors:
        _paint_tumor(canvas.image, tumor, frame, z_mm)
    organs.paint_mediastinum(canvas)
    organs.paint_abdomen(canvas)
    organs.paint_heart(canvas)
    organs.paint_spine(canvas)
    return canvas.image


def _paint_tumor(image: Image, tumor: Tumor, frame: Frame, z_mm: float) -> None:
    rows, columns, depth = tumor.depth_on(frame.axis_mm(), z_mm)
    near = image[rows, columns]
    near[(depth < 1) & (near < tumor.haze_hu)] = tumor.haze_hu
    near[depth < tumor.core] = tumor.hu


def _blur(image: Image, kernel: Kernel, pitch: float) -> Image:
    """Blur as the scanner's optics do; a sharp kernel raises the edges again."""
    image = cv2.GaussianBlur(image, (0, 0), kernel.blur_mm / pitch)
    if kernel.edge_gain:
        detail = image - cv2.GaussianBlur(image, (0, 0), 1.2 / pitch)
        image = image + np.float32(kernel.edge_gain) * detail
    return image


def _layer(cloud: Image, k: int) -> Image:
    """The cloud between its layers, of which there is one for three slices."""
    low = k // 3
    between: Image = cloud[low] + np.float32(k / 3 - low) * (cloud[low + 1] - cloud[low])
    return between


def _lung_texture(patient: Patient, frame: Frame, cloud: Image, rng: np.random.Generator) -> Image:
    """What lung tissue differs from `organs.LUNG` by: denser behind, cloudy, finely grained."""
    shape = (frame.size, frame.size)
    clouds = cv2.resize(cloud, shape, interpolation=cv2.INTER_CUBIC)
    grain = cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (0, 0), 1.1)
    gravity = (-34.0 / 75 * frame.axis_mm()[:, None]).astype(np.float32)
    texture: Image = np.float32(patient.lung_hu - organs.LUNG) + gravity + 12 * clouds + 60 * grain
    return texture


def _add_tissue_texture(image: Image, rng: np.random.Generator) -> None:
    """Give spongy bone and soft tissue their unevenness."""
    fine, coarse = (
        cv2.GaussianBlur(rng.standard_normal(image.shape, np.float32), (0, 0), sigma)
        for sigma in (0.8, 2.5)
    )
    image += np.maximum(image - 130, 0) * 0.16 * fine
    image += (image > -250) * np.float32(60) * coarse


def _noise(scan: Scan, rng: np.random.Generator) -> Image:
    """Noise of the kernel's size and grain, in HU; thin slices have more."""
    kernel = KERNELS[scan.kernel]
    noise: Image = rng.standard_normal((scan.frame.size, scan.frame.size), np.float32)
    if kernel.grain_pixels:
        noise = cv2.GaussianBlur(noise, (0, 0), kernel.grain_pixels)
    else:
        noise = noise - cv2.GaussianBlur(noise, (0, 0), 1.0)
    noise *= np.float32(kernel.noise_hu * (4.0 / scan.thickness) ** 0.5 / noise.std())
    return noise


def _streaks(size: int, rng: np.random.Generator) -> Image:
    """Sideways streaks of few photons between the shoulders, in HU."""
    streaks: Image = cv2.GaussianBlur(
        rng.standard_normal((size, size), np.float32), (0, 0), sigmaX=size / 10, sigmaY=0.6
    )
    streaks *= np.float32(22 / streaks.std())
    return streaks
