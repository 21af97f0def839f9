"""Paint the organs of a synthetic chest, from the outside in, each in its own HU."""

import numpy as np
from numpy.typing import NDArray

from ingest.phantom import anatomy as body
from ingest.phantom.canvas import Canvas, ribbon

Points = NDArray[np.float64]

AIR, FAT, MUSCLE, SKIN = -1000.0, -102.0, 50.0, 15.0
LUNG = -860.0
"""Stands for plain lung tissue while a section is painted; the scanner gives it its texture."""
FISSURE = LUNG + 55
AIRWAY, AIRWAY_WALL, GAS = -985.0, -40.0, -960.0
CORTEX, MARROW, DISC, CARTILAGE = 620.0, 190.0, 85.0, 110.0

TUBES = {
    "soft": [body.curve(knots) for knots in (body.ESOPHAGUS, body.AZYGOS, *body.NODES)],
    "blood": [
        body.curve(knots)
        for knots in (*body.VEINS, *body.PULMONARY, body.ARCH, *body.ARCH_BRANCHES)
    ],
    "air": [body.curve(knots) for knots in body.AIRWAYS],
}
RIBS = body.ribs()

# Centre, half axes and HU of the organs under the diaphragm.
ABDOMEN = (
    ((66.0, 4, -165), (70, 76, 67), 56.0),
    ((12.0, 38, -150), (58, 34, 40), 56.0),
    ((-56.0, 28, -158), (42, 42, 54), 34.0),
    ((-90.0, -32, -156), (25, 38, 47), 50.0),
    ((-58.0, 50, -150), (23, 15, 28), GAS),
    ((-46.0, -36, -215), (27, 26, 52), 32.0),
    ((54.0, -38, -228), (27, 26, 52), 32.0),
    ((-20.0, 8, -205), (34, 14, 22), 38.0),
    ((-84.0, 34, -205), (20, 22, 34), 20.0),
    ((-84.0, 38, -200), (14, 12, 24), GAS + 40),
    ((16.0, -22, -190), (5, 16, 60), 45.0),
)


def paint_table(canvas: Canvas) -> None:
    """Paint the cushion and the shell of the table under the back."""
    back = canvas.patient.matrix[1, 2] + canvas.patient.scale[1] * float(
        body.trunk(-60, canvas.patient.fat_mm)[:, 1].min()
    )
    x = np.linspace(-220, 220, 50)
    for depth, thickness, hu in ((6, 2.0, -900), (26, 2.6, -150), (54, 1.6, -520)):
        y = back - depth + (x / 220) ** 2 * (44 - 0.5 * depth)
        canvas.fill_scan_mm(ribbon(np.column_stack([x, y]), thickness / 2), hu)


def paint_trunk(canvas: Canvas) -> None:
    """Paint skin, fat, breasts and the muscles of the trunk."""
    z, fat_mm = canvas.z, canvas.patient.fat_mm
    breasts = [outline for side in (1, -1) if (outline := _breast(canvas, side)) is not None]
    for outline in (body.trunk(z, fat_mm, uneven=0.25), *breasts):
        canvas.fill(outline, SKIN)
    canvas.fill(body.trunk(z, fat_mm - 1.8, uneven=0.25), FAT)
    for outline in breasts:
        canvas.fill(_shrunk(outline, 0.97), FAT)
        canvas.fill(_frayed(_shrunk(outline, 0.5), z), -5.0)
    canvas.fill(body.trunk(z, 0), MUSCLE)
    for inset, begin, end in ((5, 18, 46), (5, 2, 30), (8, 50, 70), (8, 74, 94), (14, 52, 66)):
        seam = body.trunk(z, -inset)[begin:end]
        canvas.fill(ribbon(seam, 1.4 * np.sin(np.linspace(0, np.pi, len(seam)))), FAT)


def paint_chest_wall(canvas: Canvas) -> None:
    """Paint shoulders, the muscles between the ribs, the ribs and the breastbone."""
    for side in (1, -1):
        _paint_armpit(canvas, side)
        _paint_shoulder(canvas, side)
    if canvas.z < body.APEX_Z + 3:
        canvas.fill(body.cavity(min(canvas.z, body.APEX_Z), 12.3), FAT)
        canvas.fill(body.cavity(min(canvas.z, body.APEX_Z), 10.5), MUSCLE)
        canvas.fill(body.cavity(min(canvas.z, body.APEX_Z), 1.5), FAT + 60)
    for rib in RIBS:
        if rib[:, 2].min() - 8 < canvas.z < rib[:, 2].max() + 8:
            canvas.bar(rib, CORTEX, half_height_mm=7, half_width_mm=4.0)
            canvas.bar(rib, MARROW, half_height_mm=5.4, half_width_mm=2.5)
    _paint_sternum(canvas)


def paint_lungs(canvas: Canvas) -> None:
    """Paint the chest cavity, all lung until other organs are painted, with the two fissures."""
    if canvas.z >= body.APEX_Z:
        return
    canvas.fill(body.cavity(canvas.z), LUNG)
    y = -66 + (34 - canvas.z) * 1.2
    if -60 < y < 60:
        for side in (1, -1):
            x = side * np.linspace(22, 118, 12)
            path = np.column_stack([x, y + 8 * np.sin(x / 30) - 0.12 * (np.abs(x) - 70)])
            path = body.within_cavity(path, canvas.z)
            canvas.fill(ribbon(path, 0.5), FISSURE)


def paint_mediastinum(canvas: Canvas) -> None:
    """Paint the fat between the lungs; abdomen and heart come on top of it."""
    outline = body.mediastinum(canvas.z)
    if canvas.z < body.APEX_Z:
        outline = body.within_cavity(outline, canvas.z)
        canvas.fill(outline, FAT + 10)
    for center, axes in body.HEART:
        canvas.fill(body.ellipsoid_at(canvas.z, center, axes, 3.0), FAT + 10)


def paint_abdomen(canvas: Canvas) -> None:
    """Paint the diaphragm's domes with liver, stomach, spleen, bowel and kidneys below them."""
    z = canvas.z
    if z > -60:
        return
    if z < -150:
        canvas.fill(body.cavity(z), FAT)
    for side in ("left", "right"):
        dome = body.dome_at(z, side)
        if dome is not None:
            canvas.fill(dome, MUSCLE)
            canvas.fill(_shrunk(dome, 0.97), FAT if side == "left" else MUSCLE + 6)
    for center, axes, hu in ABDOMEN:
        outline = body.ellipsoid_at(z, center, axes)
        if outline is not None:
            canvas.fill(body.within_cavity(outline, z), hu)


def paint_heart(canvas: Canvas) -> None:
    """Paint heart, great vessels, gullet, lymph nodes and windpipe."""
    z, blood_hu = canvas.z, canvas.patient.blood_hu
    wall_hu = 42 + 0.35 * (blood_hu - 40)
    for inset, hu in ((0.0, wall_hu), (-11.0, blood_hu)):
        for center, axes in body.HEART:
            canvas.fill(body.ellipsoid_at(z, center, axes, inset), hu)
    for kind, hu, wall_mm, inner_hu in (
        ("soft", 36.0, 0.0, 36.0),
        ("blood", 40.0, 1.0, blood_hu),
        ("air", 15.0, 1.5, AIRWAY),
    ):
        near = [t for t in TUBES[kind] if t[:, 2].min() - 17 < z < t[:, 2].max() + 17]
        for tube in near if wall_mm else []:
            canvas.tube(tube, hu, extra_mm=wall_mm)
        for tube in near:
            canvas.tube(tube, inner_hu)


def paint_spine(canvas: Canvas) -> None:
    """Paint the vertebra or the disc at this height, its arch and the canal."""
    y, phase = body.spine_y(canvas.z), (canvas.z / 24.0) % 1
    for side in (1, -1):
        canvas.fill(body.ellipse(side * 23, y - 29, 21, 15), MUSCLE + 2)
        canvas.fill(ribbon(np.array([(side * 3.0, y - 46), (side * 40, y - 44)]), 1.2), FAT)
    is_disc = phase < 0.2
    canvas.fill(body.ellipse(0, y, 18.0, 14.5), DISC if is_disc else CORTEX)
    if not is_disc:
        canvas.fill(body.ellipse(0, y, 16.2, 12.7), MARROW if 0.26 < phase < 0.94 else 400.0)
    if 0.35 < phase < 0.9:
        _paint_arch(canvas, y, phase)
    canvas.fill(body.ellipse(0, y - 20, 10.5, 8.2), FAT + 40)
    canvas.fill(body.ellipse(0, y - 20, 8.5, 6.6), 24.0)
    for begin, end, width, hu in ((30, 41, 3.4, CORTEX), (31, 39, 1.7, MARROW)):
        process = np.array([(0.0, y - begin), (0, y - end - 5 * phase)])
        canvas.fill(ribbon(process, width), hu)


def _paint_arch(canvas: Canvas, y: float, phase: float) -> None:
    for side in (1, -1):
        lamina = np.array([(side * 13.0, y - 11), (side * 14.5, y - 23), (side * 2, y - 31)])
        bars = [lamina]
        if phase > 0.5:
            bars.append(np.array([(side * 14.0, y - 21), (side * 25, y - 26), (side * 34, y - 31)]))
        for outer, hu in ((4.0, CORTEX), (2.1, MARROW)):
            for path in bars:
                canvas.fill(ribbon(path, outer), hu)


def _paint_sternum(canvas: Canvas) -> None:
    z = canvas.z
    if not -105 < z < 68:
        return
    width = float(np.interp(z, (-105, -90, 20, 38, 60, 68), (5, 15, 17, 27, 26, 18)))
    front = float(body.cavity(z)[:, 1].max()) + 7
    canvas.fill(_slab(width, 5.5, front), CORTEX - 150)
    canvas.fill(_slab(width - 1.8, 3.7, front), MARROW - 60)
    if z < 30 and (z / 26) % 1 < 0.6:
        for side in (1, -1):
            path = np.array([(side * 20.0, front), (side * 33, front - 1), (side * 46, front - 5)])
            canvas.fill(ribbon(path, 4.5), CARTILAGE)


def _slab(width: float, depth: float, center_y: float) -> Points:
    return body.superellipse(np.array([width, depth]), center_y=center_y, power=3.0)


def _paint_armpit(canvas: Canvas, side: int) -> None:
    """Paint the fat between breast, shoulder blade and ribs, with vessels and nodes in it."""
    z = canvas.z
    ribs = body.cavity(min(z, body.APEX_Z), 14)
    room = float(body.trunk(z, 0)[:, 0].max() - ribs[:, 0].max()) - 8
    if room < 12:
        return
    path = (ribs * (1 + 0.4 * room / ribs[:, :1].max()))[np.arange(-13, 11)] * (side, 1)
    canvas.fill(ribbon(path, 0.36 * room * np.sin(np.linspace(0, np.pi, len(path)))), FAT)
    for place, away, size in ((7, 0.1, 2.6), (10, -0.15, 3.4), (12, 0.1, 2.2), (15, -0.05, 3.2)):
        x, y = path[place] + (side * away * room, 3 * np.sin(z / 11 + place))
        canvas.fill(body.ellipse(float(x), float(y), size, size), 38.0)


def _paint_shoulder(canvas: Canvas, side: int) -> None:
    """Paint one shoulder blade in its muscles, the collar bone and the head of the upper arm."""
    z = canvas.z
    if -30 < z < 108:
        up = (z + 30) / 138
        inner = np.array([62 + 8 * up, -84 + 22 * up])
        outer = np.array([98 + 46 * up, -66 + 32 * up])
        part = np.linspace(0, 1, 12)
        blade = (inner + part[:, None] * (outer - inner)) * (side, 1)
        blade[:, 1] -= 5 * np.sin(np.pi * part)
        width = np.interp(part, (0, 0.15, 0.8, 1), (2.3, 2.0, 3.0, 5.5))
        bulk = 3 + 9 * np.sin(np.pi * part) * min(1.0, 4 * up)
        for shape, hu in ((width + bulk + 1.5, FAT), (width + bulk, MUSCLE), (width, CORTEX)):
            canvas.fill(ribbon(blade, shape), hu)
        canvas.fill(ribbon(blade[1:-1], np.maximum(width[1:-1] - 1.7, 0.4)), MARROW)
    along = np.linspace(0, 1, 40)
    y = 44 - 40 * along + 14 * np.sin(2 * np.pi * along)
    collar = np.column_stack([side * (18 + 130 * along), y, 62 + 46 * along])
    canvas.bar(collar, CORTEX, half_height_mm=7, half_width_mm=6)
    canvas.bar(collar, MARROW, half_height_mm=5, half_width_mm=4)
    for inset, hu in ((0.0, CORTEX), (-2.5, MARROW - 40)):
        canvas.fill(body.ellipsoid_at(z, (side * 168.0, -24, 114), (24, 24, 26), inset), hu)


def _breast(canvas: Canvas, side: int) -> Points | None:
    stands_out = canvas.patient.breast_mm
    if not stands_out:
        return None
    center = (side * 76.0, 54.0 + 0.4 * canvas.patient.fat_mm, -46.0)
    return body.ellipsoid_at(canvas.z, center, (70.0, 42.0 + stands_out, 66.0))


def _shrunk(outline: Points, factor: float) -> Points:
    middle = outline.mean(0)
    smaller: Points = middle + factor * (outline - middle)
    return smaller


def _frayed(outline: Points, z: float) -> Points:
    """An outline with strands, as of gland or fat; they change slowly from slice to slice."""
    angle = np.linspace(0, 2 * np.pi, len(outline), endpoint=False)
    waves = 1 + 0.16 * np.cos(5 * angle + z / 9) + 0.12 * np.cos(9 * angle - z / 7)
    frayed: Points = outline.mean(0) + (outline - outline.mean(0)) * waves[:, None]
    return frayed
