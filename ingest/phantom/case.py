"""Make one synthetic chest CT with tumors of known volume, from a seed and a case number.

Cases come in dozens: thickness, orientation, padding and the tumor-free scan follow from the
number's place in its dozen; everything else is drawn from (seed, case), so that a case is the same
in a small and in a large data set.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.phantom import anatomy as body
from ingest.phantom.canvas import Frame
from ingest.phantom.lung import inside_lung
from ingest.phantom.patient import Patient, draw_patient
from ingest.phantom.scanner import KERNELS, Chest, Scan, scan_chest
from ingest.phantom.tree import Pieces, grow, spread
from ingest.phantom.tumor import KINDS, MAX_DIAMETER_MM, MIN_DIAMETER_MM, Tumor, place_tumor

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

FIRST_Z_MM, LAST_Z_MM, DOME_Z_MM = -190.0, 118.0, -88.0
MIN_COVERAGE_MM = 60.0
MIN_FOV_MM, MAX_FOV_MM = 0.6 * 512, 0.9 * 512
LARGEST_SHARE_OF_COVERAGE = 0.3
USUAL_MM = (14.0, 45.0)
"""Diameters of most tumors."""
LUNG_BOXES = {
    "right": ((2.0, 130), (-90, 90), (-160, 112)),
    "left": ((-130.0, -2), (-90, 90), (-160, 112)),
}


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
    """Reconstruction kernel: soft, standard or sharp."""


def make_phantom(
    *,
    seed: int,
    case: int,
    size: int = 256,
    slices: int = 48,
    slice_mm: float | None = None,
    min_tumor_mm: float = 0.0,
    max_tumor_mm: float = MAX_DIAMETER_MM,
) -> Phantom:
    """Make a synthetic chest CT.

    Args:
        seed: Seed of the data set.
        case: Number of the case, from 1.
        size: Rows and columns.
        slices: Mean number of slices over many cases; at least 16.
        slice_mm: Thickness of a slice; None varies it from case to case.
        min_tumor_mm: Tumors are drawn with at least this diameter.
        max_tumor_mm: And at most this one.

    Returns:
        The scan; equal for equal arguments.
    """
    patient_rng, scan_rng, tree_rng, tumor_rng, noise_rng, world_rng = (
        np.random.default_rng([seed, case, stage]) for stage in range(6)
    )
    place = (case - 1) % len(THICKNESS_MM)
    patient = draw_patient(patient_rng)
    scan = _draw_scan(patient, place, size, slices, slice_mm or THICKNESS_MM[place], scan_rng)
    sizes_mm = min_tumor_mm, max_tumor_mm
    tumors = [] if place == TUMOR_FREE else _draw_tumors(patient, scan, sizes_mm, tumor_rng)
    image = scan_chest(_grow_chest(patient, tumors, tree_rng), scan, noise_rng)
    world = _draw_world(OBLIQUE[place], world_rng)
    label, voxels = _label(scan, tumors)
    spacing = (scan.frame.pitch, scan.frame.pitch, scan.thickness)
    to_scan = np.diag([*spacing, 1.0])
    to_scan[:3, 3] = scan.frame.axis_mm()[0], scan.frame.axis_mm()[0], scan.first_z
    return Phantom(
        image=image,
        label=label,
        affine=world @ to_scan,
        tumors=[t.record(world) | {"voxels": n} for t, n in zip(tumors, voxels, strict=True)],
        spacing_mm=spacing,
        orientation=ORIENTATIONS[place],
        oblique=OBLIQUE[place],
        padding_hu=scan.padding_hu,
        kernel=scan.kernel,
    )


def _draw_scan(
    patient: Patient,
    place: int,
    size: int,
    slices: int,
    slice_mm: float,
    rng: np.random.Generator,
) -> Scan:
    """Choose the field of view, the kernel, and which part of the chest the slices cover."""
    body_width = 2 * (146 + patient.fat_mm) * patient.scale[0]
    fov = float(np.clip(body_width * rng.uniform(1.02, 1.2), MIN_FOV_MM, MAX_FOV_MM))
    num_slices = round(slices * rng.uniform(0.8, 1.2))
    thickness = max(slice_mm, MIN_COVERAGE_MM / num_slices)
    height = patient.scale[2]
    num_slices = min(num_slices, int((LAST_Z_MM - FIRST_Z_MM) * height / thickness))
    first_z = (DOME_Z_MM - 4) * height - LARGEST_SHARE_OF_COVERAGE * num_slices * thickness
    return Scan(
        frame=Frame(size, fov / size),
        first_z=max(first_z, FIRST_Z_MM * height),
        thickness=thickness,
        num_slices=num_slices,
        kernel=str(rng.choice(list(KERNELS))),
        padding_hu=PADDING_HU[place],
    )


def _draw_tumors(
    patient: Patient, scan: Scan, sizes_mm: tuple[float, float], rng: np.random.Generator
) -> list[Tumor]:
    """One tumor in most scans; in one of four a second, often a tiny one."""
    smallest, most = sizes_mm
    largest = min(
        0.97 * MAX_DIAMETER_MM, most, LARGEST_SHARE_OF_COVERAGE * scan.num_slices * scan.thickness
    )
    low, high = (min(1.0, most / USUAL_MM[1]) * mm for mm in USUAL_MM)
    usual = float(np.exp(rng.uniform(np.log(max(low, smallest)), np.log(high))))
    diameters = [float(rng.uniform(45, 60)) if rng.random() < 0.1 else usual]
    if rng.random() < 0.27:
        diameters.append(float(rng.uniform(4.5, 8) if rng.random() < 0.5 else rng.uniform(9, 24)))
    tumors: list[Tumor] = []
    for diameter in (diameter for diameter in diameters if diameter >= smallest):
        tumors.append(_settle(min(diameter, largest), patient, scan, tumors, rng))
    return tumors


def _settle(
    diameter_mm: float, patient: Patient, scan: Scan, others: list[Tumor], rng: np.random.Generator
) -> Tumor:
    """Place a tumor in a lung, a smaller one where there is no room."""

    def inside(points: Points) -> NDArray[np.bool_]:
        free = inside_lung(patient.to_standard(points))
        for other in others:
            free &= other.depth(points) > 1.3
        return free

    corners = patient.to_scan(np.array([(-130.0, -90, 0), (130, 90, 0)]))
    corners[:, 2] = scan.z_mm()[[0, -1]] + np.array([1, -1]) * scan.thickness
    hila = patient.to_scan(np.array(list(body.HILA.values())))
    while diameter_mm > MIN_DIAMETER_MM:
        kind = str(rng.choice(KINDS, p=(0.45, 0.2, 0.22, 0.13))) if diameter_mm > 9 else KINDS[0]
        for wanted in dict.fromkeys((kind, KINDS[0])):
            tumor = place_tumor(wanted, diameter_mm, inside=inside, box=corners, hila=hila, rng=rng)
            if tumor:
                return tumor
        diameter_mm *= 0.85
    raise AssertionError("a scan that covers 60 mm of the chest has room for a tumor of 4 mm")


def _grow_chest(patient: Patient, tumors: list[Tumor], rng: np.random.Generator) -> Chest:
    """Grow arteries, veins and airways in both lungs, and strands around the tumors."""
    vessels, airways = [], []
    for side, box in LUNG_BOXES.items():
        targets = spread(inside_lung, box, 1100, rng)
        artery = grow(body.HILA[side], targets[:680], radius_mm=6.6, rng=rng)
        vessels += [artery, grow(body.ATRIUM[side], targets[680:], radius_mm=5.6, rng=rng)]
        beside = artery.thicker_than(2.0)
        aside = np.array([0.25, -0.9, 0.3]) * (1.9 * beside.radius + 0.5)[:, None]
        airways.append(beside.moved(aside).scaled(0.62))
    strands = [_spicules(tumor, rng) for tumor in tumors]
    return Chest(
        patient=patient,
        vessels=Pieces.joined([*(_to_scan(tree, patient) for tree in vessels), *strands]),
        airways=_to_scan(Pieces.joined(airways), patient),
        tumors=tumors,
    )


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
    radius = rng.uniform(0.5, 0.9, count)
    return Pieces(
        tumor.center + np.concatenate([start, middle]),
        tumor.center + np.concatenate([middle, end]),
        np.concatenate([radius, 0.6 * radius]),
    )


def _label(scan: Scan, tumors: list[Tumor]) -> tuple[NDArray[np.uint8], list[int]]:
    """Sample the tumors at voxel centres; the mask (x, y, z) and each tumor's number of voxels."""
    size, axis = scan.frame.size, scan.frame.axis_mm()
    mask = np.zeros((scan.num_slices, size, size), np.uint8)
    voxels = [0] * len(tumors)
    for number, tumor in enumerate(tumors):
        for k, z_mm in enumerate(scan.z_mm()):
            rows, columns, depth = tumor.depth_on(axis, float(z_mm))
            mask[k, rows, columns][depth < 1] = 1
            voxels[number] += int((depth < 1).sum())
    return mask.transpose(2, 1, 0), voxels


def _draw_world(oblique: bool, rng: np.random.Generator) -> Points:
    """Place the scan in the world: mm in the scan to RAS mm, turned a few degrees if oblique."""
    world = np.eye(4)
    world[:3, 3] = rng.uniform((-60, -60, -260), (60, 60, -140))
    for plane in ((1, 2), (0, 2), (0, 1)) if oblique else ():
        angle = rng.choice((-1, 1)) * rng.uniform(0.03, 0.12)
        cosine, sine = np.cos(angle), np.sin(angle)
        turn = np.eye(4)
        turn[np.ix_(plane, plane)] = ((cosine, -sine), (sine, cosine))
        world = world @ turn
    return world
