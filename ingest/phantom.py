"""Make one synthetic chest CT with tumors of known volume, from a seed and a case number.

Cases come in dozens: thickness, orientation, padding and the tumor-free scan follow from the
number's place in its dozen; everything else is drawn from (seed, case), so that a case is the same
in a small and in a large data set.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest import phantom_anatomy as body
from ingest import phantom_render as render
from ingest.phantom_anatomy import Patient
from ingest.phantom_tree import Pieces, grow, spread
from ingest.phantom_tumor import KINDS, MIN_DIAMETER_MM, Tumor, place_tumor

Points = NDArray[np.float64]

THICKNESS_MM = (5.0, 4.0, 5.0, 2.5, 5.0, 3.0, 5.0, 4.0, 5.0, 5.0, 1.25, 5.0)
ORIENTATIONS = (
    "RAS", "LPS", "LAS", "RAS", "LPS", "RAS", "PSR", "LAS", "LPS", "RAS", "RAS", "LAS",
)  # fmt: skip
OBLIQUE = (False, False, False, True, False, False, False, False, True, False, False, False)
PADDING_HU = (
    None, -2048, None, None, -3024, -1024, None, None, None, -2000, None, None,
)  # fmt: skip
TUMOR_FREE = 2
"""Place in the dozen of the scan without a tumor."""

KERNELS = {
    "soft": (0.75, 0.0, 14.0, 0.8),
    "standard": (0.5, 0.15, 24.0, 0.55),
    "sharp": (0.4, 0.6, 55.0, 0.0),
}
"""By name: blur in mm, edge gain, noise in HU, and the noise's correlation in pixels."""

FIRST_Z_MM, LAST_Z_MM, DOME_Z_MM = -190.0, 120.0, -88.0
MIN_COVERAGE_MM = 60.0
LUNG_BOX = (((2.0, 130), (-90, 90), (-160, 112)), ((-130.0, -2), (-90, 90), (-160, 112)))


@dataclass(frozen=True, kw_only=True)
class Phantom:
    """A synthetic scan with its truth; arrays have the axes (x, y, z), RAS."""

    image: NDArray[np.int16]
    """HU (x, y, z)."""
    label: NDArray[np.uint8]
    """1 where a voxel's centre lies in a tumor, (x, y, z)."""
    affine: NDArray[np.float64]
    """Voxel indices to mm in the world, 4 x 4, RAS."""
    tumors: list[dict[str, Any]]
    """One record a tumor: kind, diameter_mm, volume_ml (true), center_mm (world), voxels."""
    spacing_mm: tuple[float, float, float]
    """Pitch of x, y and z."""
    orientation: str
    """Axis codes in which the scan is to be stored, such as LPS."""
    oblique: bool
    """Whether the axes are turned a few degrees against the world's."""
    padding_hu: int | None
    """Value outside the round field of view; None where the field is the whole square."""
    kernel: str
    """Reconstruction kernel: one of `KERNELS`."""


@dataclass(frozen=True)
class _Scan:
    """The voxel grid of a scan, in mm of the scan."""

    frame: render.Frame
    first_z: float
    thickness: float
    num_slices: int

    def z_mm(self) -> Points:
        """Middle of each slice."""
        return self.first_z + self.thickness * np.arange(self.num_slices)


@dataclass(frozen=True)
class _Chest:
    """What is painted on every slice, in standard mm but for vessels and tumors (mm in the scan)."""

    patient: Patient
    vessels: Pieces
    airways: Pieces
    tubes: dict[str, list[Points]]
    ribs: list[Points]
    tumors: list[Tumor]


def make_phantom(*, seed: int, case: int, size: int = 256, slices: int = 48) -> Phantom:
    """Make a synthetic chest CT.

    Args:
        seed: Seed of the data set.
        case: Number of the case, from 1.
        size: Rows and columns.
        slices: Mean number of slices over many cases.

    Returns:
        The scan; equal for equal arguments.
    """
    patient_rng, scan_rng, tree_rng, tumor_rng, noise_rng, world_rng = (
        np.random.default_rng([seed, case, stage]) for stage in range(6)
    )
    place = (case - 1) % len(THICKNESS_MM)
    patient = body.draw_patient(patient_rng)
    scan = _draw_scan(patient, THICKNESS_MM[place], size, slices, scan_rng)
    kernel = str(scan_rng.choice(list(KERNELS)))
    tumors = [] if place == TUMOR_FREE else _draw_tumors(patient, scan, tumor_rng)
    chest = _grow_chest(patient, tumors, tree_rng)
    image = _scan_chest(chest, scan, kernel, PADDING_HU[place], noise_rng)
    world = _world(OBLIQUE[place], world_rng)
    label, voxels = _label(scan, tumors)
    spacing = (scan.frame.pitch, scan.frame.pitch, scan.thickness)
    corner = -scan.frame.pitch * (size - 1) / 2
    to_scan = np.diag([*spacing, 1.0])
    to_scan[:3, 3] = corner, corner, scan.first_z
    return Phantom(
        image=image,
        label=label,
        affine=world @ to_scan,
        tumors=[t.record(world) | {"voxels": n} for t, n in zip(tumors, voxels, strict=True)],
        spacing_mm=spacing,
        orientation=ORIENTATIONS[place],
        oblique=OBLIQUE[place],
        padding_hu=PADDING_HU[place],
        kernel=kernel,
    )


def _draw_scan(
    patient: Patient, thickness: float, size: int, slices: int, rng: np.random.Generator
) -> _Scan:
    """Choose the field of view and which part of the chest the slices cover."""
    body_width = 2 * (143 + patient.fat_mm) * patient.scale[0]
    fov = float(np.clip(body_width * rng.uniform(1.02, 1.2), 0.6 * 512, 0.9 * 512))
    num_slices = int(round(slices * rng.uniform(0.8, 1.2)))
    thickness = max(thickness, MIN_COVERAGE_MM / num_slices)
    height = patient.scale[2]
    num_slices = min(num_slices, int((LAST_Z_MM - FIRST_Z_MM) * height / thickness))
    first = (DOME_Z_MM - 4) * height - 0.3 * num_slices * thickness
    return _Scan(
        render.Frame(size, fov / size), max(first, FIRST_Z_MM * height), thickness, num_slices
    )


def _draw_tumors(patient: Patient, scan: _Scan, rng: np.random.Generator) -> list[Tumor]:
    """One tumor in most scans; a second, often tiny, in one of four."""
    largest = min(60.0, 0.3 * scan.num_slices * scan.thickness)
    first = float(np.exp(rng.uniform(np.log(14), np.log(45))))
    diameters = [float(rng.uniform(45, 60)) if rng.random() < 0.1 else first]
    if rng.random() < 0.27:
        diameters.append(float(rng.uniform(4.5, 8) if rng.random() < 0.5 else rng.uniform(9, 24)))
    tumors: list[Tumor] = []
    for diameter in diameters:
        tumors.append(_settle(min(diameter, largest), patient, scan, tumors, rng))
    return tumors


def _settle(
    diameter: float, patient: Patient, scan: _Scan, others: list[Tumor], rng: np.random.Generator
) -> Tumor:
    """Place a tumor in a lung, smaller where it finds no room."""

    def inside(points: Points) -> NDArray[np.bool_]:
        free = body.inside_lung(patient.to_standard(points))
        for other in others:
            free &= other.depth(points) > 1.3
        return free

    z = scan.z_mm()
    corners = patient.to_scan(np.array([(-130.0, -90, 0), (130, 90, 0)]))
    corners[:, 2] = z[0] + scan.thickness, z[-1] - scan.thickness
    hila = patient.to_scan(np.array([body.HILA["right"], body.HILA["left"]]))
    while diameter > MIN_DIAMETER_MM:
        kind = str(rng.choice(KINDS, p=(0.45, 0.2, 0.22, 0.13))) if diameter > 9 else "solid"
        for wanted in dict.fromkeys((kind, "solid")):
            tumor = place_tumor(wanted, diameter, inside=inside, box=corners, hila=hila, rng=rng)
            if tumor:
                return tumor
        diameter *= 0.85
    raise AssertionError("a scan that covers 60 mm of the chest has room for a tumor of 5 mm")


def _grow_chest(patient: Patient, tumors: list[Tumor], rng: np.random.Generator) -> _Chest:
    """Grow vessels and airways, and lay out what does not differ between patients."""
    trees, airways = [], []
    for side, box in zip(("right", "left"), LUNG_BOX, strict=True):
        targets = spread(body.inside_lung, box, 560, rng)
        artery = grow(body.HILA[side], targets[:360], radius_mm=7.0, rng=rng)
        trees += [artery, grow(body.ATRIUM[side], targets[360:], radius_mm=6.0, rng=rng)]
        bronchus = artery.thicker_than(1.5)
        aside = np.array([0.25, -0.9, 0.3]) * (2.1 * bronchus.radius + 0.6)[:, None]
        airways.append(bronchus.moved(aside).scaled(0.72))
    tubes = {
        "soft": [body.curve(body.ESOPHAGUS), body.curve(body.AZYGOS)],
        "blood": [
            body.curve(knots)
            for knots in (*body.VEINS, *body.PULMONARY, body.ARCH, *body.ARCH_BRANCHES)
        ],
        "air": [body.curve(knots) for knots in body.AIRWAYS],
    }
    vessels = _to_scan(trees[0] + trees[1] + trees[2] + trees[3], patient)
    for tumor in tumors:
        vessels = vessels + _spicules(tumor, rng)
    bronchi = _to_scan(airways[0] + airways[1], patient)
    return _Chest(patient, vessels, bronchi, tubes, body.ribs(), tumors)


def _to_scan(pieces: Pieces, patient: Patient) -> Pieces:
    return Pieces(patient.to_scan(pieces.start), patient.to_scan(pieces.end), pieces.radius)


def _spicules(tumor: Tumor, rng: np.random.Generator) -> Pieces:
    """Fine strands from a tumor's surface into the lung; they are not part of the tumor."""
    count = 0 if tumor.reach < 6 else int(rng.integers(4, 22))
    toward = rng.normal(size=(count, 3))
    toward /= np.linalg.norm(toward, axis=1, keepdims=True)
    surface = 1 / tumor.depth(tumor.center + toward)[:, None]
    length = rng.uniform(0.15, 0.5, (count, 1)) * tumor.reach
    start, end = 0.85 * surface * toward, (surface + length) * toward
    middle = (start + end) / 2
    thick = rng.uniform(0.5, 0.9, count)
    return Pieces(
        tumor.center + np.concatenate([start, middle]),
        tumor.center + np.concatenate([middle, end]),
        np.concatenate([thick, 0.6 * thick]),
    )


def _scan_chest(
    chest: _Chest, scan: _Scan, kernel: str, padding_hu: int | None, rng: np.random.Generator
) -> NDArray[np.int16]:
    """Paint every slice, blur it as the scanner does, and add texture, noise and padding."""
    frame = scan.frame
    fine = 2 if frame.size <= 320 else 1
    paint_frame = render.Frame(frame.size * fine, frame.pitch / fine)
    texture = rng.standard_normal((scan.num_slices // 3 + 3, 24, 24), np.float32)
    axis = frame.axis_mm()
    radius = np.hypot(axis[None, :], axis[:, None])
    outside = radius > frame.pitch * frame.size / 2
    strength = (0.45 + 0.75 * np.exp(-((radius / 120) ** 2))).astype(np.float32)
    volume = np.empty((scan.num_slices, frame.size, frame.size), np.int16)
    for k, z in enumerate(scan.z_mm()):
        image, lung = _paint_slice(chest, float(z), scan.thickness, paint_frame)
        image = _reconstruct(image, kernel, paint_frame.pitch)
        image = cv2.resize(image, (frame.size, frame.size), interpolation=cv2.INTER_AREA)
        lung = cv2.resize(lung, (frame.size, frame.size), interpolation=cv2.INTER_AREA)
        image += lung * _lung_texture(chest.patient, axis, texture, k, rng)
        grain = rng.standard_normal(image.shape, np.float32)
        image += np.maximum(image - 130, 0) * 0.16 * cv2.GaussianBlur(grain, (0, 0), 0.8)
        image += strength * _noise(kernel, scan.thickness, image.shape, rng)
        volume[k] = np.round(np.clip(image, -1024, 3071)).astype(np.int16)
        if padding_hu is not None:
            volume[k][outside] = padding_hu
    return np.ascontiguousarray(volume.transpose(2, 1, 0))


def _paint_slice(
    chest: _Chest, z_mm: float, thickness: float, frame: render.Frame
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Average thin paintings over a slice's thickness.

    Returns:
        HU (row, column), and the share of each pixel that is plain lung.
    """
    vessels = render.coverage(chest.vessels, z_mm, thickness, frame).astype(np.float32) / 255
    walls = render.coverage(chest.airways.scaled(1.0, 0.9), z_mm, thickness, frame)
    walls = walls.astype(np.float32) / 255
    air = render.coverage(chest.airways, z_mm, thickness, frame).astype(np.float32) / 255
    num = max(1, round(thickness / 2))
    image = np.zeros((frame.size, frame.size), np.float32)
    lung = np.zeros_like(image)
    for offset in (np.arange(num) + 0.5) / num - 0.5:
        canvas = render.Canvas(frame, chest.patient)
        z = z_mm + thickness * float(offset)
        _paint(canvas, chest, z, (vessels, walls, air))
        image += canvas.image
        lung += canvas.image == render.LUNG
    return image / num, lung / num


def _paint(
    canvas: render.Canvas, chest: _Chest, z_mm: float, layers: tuple[NDArray[np.float32], ...]
) -> None:
    """Paint one thin section from the outside in."""
    z = z_mm / chest.patient.scale[2]
    render.paint_table(canvas)
    render.paint_trunk(canvas, z)
    render.paint_chest_wall(canvas, z, chest.ribs)
    render.paint_cavity(canvas, z)
    lung = canvas.image == render.LUNG
    for share, hu in zip(layers, (chest.patient.blood_hu, 10.0, render.AIRWAY), strict=True):
        touched = lung & (share > 0)
        canvas.image[touched] += share[touched] * (hu - canvas.image[touched])
    for tumor in chest.tumors:
        _paint_tumor(canvas, tumor, z_mm)
    render.paint_abdomen(canvas, z)
    render.paint_mediastinum(canvas, z, chest.tubes)
    render.paint_spine(canvas, z)


def _paint_tumor(canvas: render.Canvas, tumor: Tumor, z_mm: float) -> None:
    box, points = _around(tumor, canvas.frame, z_mm)
    if points.size == 0:
        return
    depth, image = tumor.depth(points), canvas.image[box]
    haze = (depth < 1) & (image < tumor.haze_hu)
    image[haze] = tumor.haze_hu
    image[depth < tumor.core] = tumor.hu


def _around(tumor: Tumor, frame: render.Frame, z_mm: float) -> tuple[tuple[slice, slice], Points]:
    """The pixels near a tumor at a height: rows and columns, and their points (row, column, 3)."""
    if abs(z_mm - tumor.center[2]) > tumor.reach:
        return (slice(0), slice(0)), np.empty((0, 0, 3))
    axis = frame.axis_mm()
    column, row = (
        slice(*np.searchsorted(axis, (middle - tumor.reach, middle + tumor.reach)))
        for middle in tumor.center[:2]
    )
    y, x = np.meshgrid(axis[row], axis[column], indexing="ij")
    return (row, column), np.stack([x, y, np.full_like(x, z_mm)], -1)


def _label(scan: _Scan, tumors: list[Tumor]) -> tuple[NDArray[np.uint8], list[int]]:
    """Sample the tumors at voxel centres; the mask (x, y, z) and each tumor's number of voxels."""
    mask = np.zeros((scan.num_slices, scan.frame.size, scan.frame.size), np.uint8)
    voxels = [0] * len(tumors)
    for number, tumor in enumerate(tumors):
        for k, z in enumerate(scan.z_mm()):
            box, points = _around(tumor, scan.frame, float(z))
            hit = tumor.depth(points) < 1
            mask[k][box][hit] = 1
            voxels[number] += int(hit.sum())
    return np.ascontiguousarray(mask.transpose(2, 1, 0)), voxels


def _reconstruct(image: NDArray[np.float32], kernel: str, pitch: float) -> NDArray[np.float32]:
    """Blur as the scanner's optics do; a sharp kernel raises the edges again."""
    blur_mm, gain, _, _ = KERNELS[kernel]
    image = cv2.GaussianBlur(image, (0, 0), blur_mm / pitch)
    if gain:
        image = image + gain * (image - cv2.GaussianBlur(image, (0, 0), 1.2 / pitch))
    return image


def _lung_texture(
    patient: Patient, axis: Points, texture: NDArray[np.float32], k: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """What lung tissue differs from `render.LUNG` by: denser behind, cloudy, finely grained."""
    shape = (len(axis), len(axis))
    low = k // 3
    cloud = texture[low] + (k / 3 - low) * (texture[low + 1] - texture[low])
    cloud = cv2.resize(cloud, shape, interpolation=cv2.INTER_CUBIC)
    grain = cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (0, 0), 1.1)
    gravity = (-34.0 / 75 * axis[:, None]).astype(np.float32)
    return np.float32(patient.lung_hu - render.LUNG) + gravity + 12 * cloud + 70 * grain


def _noise(
    kernel: str, thickness: float, shape: tuple[int, ...], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Noise of the kernel's size and grain, in HU; thin slices have more."""
    _, _, noise_hu, correlation = KERNELS[kernel]
    noise = rng.standard_normal(shape, np.float32)
    if correlation:
        noise = cv2.GaussianBlur(noise, (0, 0), correlation)
    else:
        noise = noise - cv2.GaussianBlur(noise, (0, 0), 1.0)
    return noise * np.float32(noise_hu * (4.0 / thickness) ** 0.5 / noise.std())


def _world(oblique: bool, rng: np.random.Generator) -> NDArray[np.float64]:
    """Place the scan in the world: mm in the scan to RAS mm, turned a few degrees if oblique."""
    world = np.eye(4)
    world[:3, 3] = rng.uniform(-60, 60, 3) + (0, 0, -200)
    if oblique:
        for axes in ((1, 2), (0, 2), (0, 1)):
            angle = rng.choice((-1, 1)) * rng.uniform(0.03, 0.12)
            turn = np.eye(4)
            turn[np.ix_(axes, axes)] = (
                (np.cos(angle), -np.sin(angle)),
                (np.sin(angle), np.cos(angle)),
            )
            world = world @ turn
    return world
