"""A contact sheet of a shard set: its largest and smallest tumors and random slices, outlined."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from isal import isal_zlib
from PIL import Image, ImageDraw, ImageFont

from ingest.case import BadCaseError
from ingest.options import Preview
from shards.codec import IMAGE, IMAGE_COMPRESSED, MASK, TAGS, decode
from shards.console.whole import write_whole
from shards.manifest import CaseEntry
from shards.record import Slice
from shards.storage.store import ShardSet, open_shards

TILE = 320
CAPTION = 26
COLUMNS = 4

_WINDOW_HU = (-1000, 400)
_OUTLINE = (86, 180, 233)  # blue of the Okabe-Ito palette
_BACKGROUND, _INK = 18, (230, 230, 230)

Picture = npt.NDArray[np.uint8]


def preview(options: Preview) -> dict[str, Any]:
    """Draw the sheet.

    Returns:
        The file, and the slices on it as `<case>-<zzzz>`.

    Raises:
        ShardError: If no shard set lies there, or a shard is damaged.
        BadCaseError: If the picture cannot be written.
    """
    shard_set = open_shards(options.shards)
    index = shard_set.index
    volumes_ml = [_kept_volume_ml(shard_set.manifest.cases[name]) for name in index.cases]
    largest, smallest = extreme_tumors(volumes_ml, index.case, index.tumor_pixels, COLUMNS)
    count = min(options.random, len(index))
    rng = np.random.default_rng(options.seed)
    random = np.sort(rng.choice(len(index), count, replace=False)).tolist()
    groups = [("largest", largest), ("smallest", smallest), ("random", random)]
    tiles, keys = [], []
    for group, rows in groups:
        records = [_read(shard_set, row) for row in rows]
        if group != "random":  # chosen by volume, shown by what the captions say
            records.sort(key=_area_mm2, reverse=group == "largest")
        tiles += [draw_tile(record, group) for record in records]
        keys += [record.key for record in records]
        tiles += [blank_tile()] * (-len(tiles) % COLUMNS)
    if not tiles:
        raise BadCaseError(f"{options.shards} holds no slice to draw")
    sheet = contact_sheet(tiles)
    encoded = cv2.imencode(".png", sheet[:, :, ::-1])[1].tobytes()
    _write(options.out, encoded)
    return {"picture": str(options.out), "slices": keys}


def extreme_tumors(
    volumes_ml: Sequence[float],
    case: npt.NDArray[np.int32],
    tumor_pixels: npt.NDArray[np.int32],
    count: int,
) -> tuple[list[int], list[int]]:
    """Choose the cases with the most and the least tumor, each by its slice with most of it.

    Args:
        volumes_ml: Tumor in the slices of each case, in mL.
        case: (n,) case of each slice, ascending.
        tumor_pixels: (n,) tumor pixels on it.
        count: Cases wanted of either kind; no case is in both.

    Returns:
        Rows of the largest, descending, and of the smallest, ascending; of cases with tumor pixels.
    """
    outlined = set(case[tumor_pixels > 0].tolist())
    order = [int(c) for c in np.argsort(-np.array(volumes_ml), kind="stable") if c in outlined]
    largest = order[:count]
    smallest = order[len(largest) :][-count:][::-1]
    begins, ends = (np.searchsorted(case, order, side) for side in ("left", "right"))
    widest = {
        c: int(begin + np.argmax(tumor_pixels[begin:end]))
        for c, begin, end in zip(order, begins, ends, strict=True)
    }
    return [widest[c] for c in largest], [widest[c] for c in smallest]


def draw_tile(record: Slice, group: str) -> Picture:
    """Draw one slice as radiologists look at it (both axes flipped), outlined, with a caption.

    Args:
        record: The slice.
        group: Why it is on the sheet.

    Returns:
        (TILE + CAPTION, TILE, 3) RGB.
    """
    width_mm, height_mm = (
        n * mm for n, mm in zip(record.image.shape[::-1], record.spacing_mm, strict=False)
    )
    shrink = TILE / max(width_mm, height_mm)
    size = (max(1, round(width_mm * shrink)), max(1, round(height_mm * shrink)))
    low, high = _WINDOW_HU
    gray = np.clip((record.image[::-1, ::-1].astype(np.float32) - low) / (high - low), 0, 1) * 255
    gray = cv2.resize(np.rint(gray).astype(np.uint8), size, interpolation=cv2.INTER_LINEAR)
    picture = np.ascontiguousarray(np.repeat(gray[..., None], 3, axis=2))
    mask = np.ascontiguousarray((record.mask[::-1, ::-1] != 0).astype(np.uint8))
    mask = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)
    outlines, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, outlines, -1, _OUTLINE, 1)
    tile = blank_tile()
    top, left = (TILE - size[1]) // 2, (TILE - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = picture
    what = f"{_area_mm2(record):,.0f} mm2" if record.tumor_pixels else "no tumor"
    return _with_caption(tile, f"{group}: {record.case}  z {record.z}  {what}")


def blank_tile() -> Picture:
    """A tile without a slice."""
    return np.full((TILE + CAPTION, TILE, 3), _BACKGROUND, np.uint8)


def contact_sheet(tiles: Sequence[Picture]) -> Picture:
    """Lay tiles out in rows of `COLUMNS`."""
    padded = [*tiles, *[blank_tile()] * (-len(tiles) % COLUMNS)]
    rows = [np.hstack(padded[start : start + COLUMNS]) for start in range(0, len(padded), COLUMNS)]
    return np.vstack(rows)


def _area_mm2(record: Slice) -> float:
    """Area of the tumor on a slice."""
    return record.tumor_pixels * record.spacing_mm[0] * record.spacing_mm[1]


def _kept_volume_ml(entry: CaseEntry) -> float:
    return entry.tumor_voxels * entry.voxel_ml


def _with_caption(tile: Picture, text: str) -> Picture:
    canvas = Image.fromarray(tile)
    draw, size = ImageDraw.Draw(canvas), 14
    while size > 7 and draw.textlength(text, ImageFont.load_default(size)) > TILE - 8:
        size -= 1
    draw.text((4, TILE + 4), text, fill=_INK, font=ImageFont.load_default(size))
    return np.array(canvas)


def _read(shard_set: ShardSet, row: int) -> Slice:
    """Read one slice by its row of the index, and hold it against the index.

    Raises:
        DamagedShardError: If its bytes are not those that were written.
    """
    index = shard_set.index
    start, end = index.stretch(row)
    name = index.shard(int(index.case[row]))
    with shard_set.open(name) as shard:
        shard.seek(start)
        data = shard.read(end - start)
    if isal_zlib.crc32(data) != index.crc32[row]:
        raise shard_set.damaged(
            name, f"the bytes of {index.key(row)} differ from the index's crc32"
        )
    members = {
        extension: data[offset[row] - start :][: size[row]]
        for extension, (offset, size) in _spans(shard_set).items()
    }
    return decode(members)


def _spans(shard_set: ShardSet) -> dict[str, tuple[Any, Any]]:
    """Where the index has the (offsets, sizes) of each member of a slice."""
    index = shard_set.index
    image = IMAGE_COMPRESSED if shard_set.manifest.compressed else IMAGE
    return {
        image: (index.image_offset, index.image_size),
        MASK: (index.mask_offset, index.mask_size),
        TAGS: (index.tags_offset, index.tags_size),
    }


def _write(path: Path, data: bytes) -> None:
    try:
        write_whole(path, data)
    except OSError as error:
        raise BadCaseError(
            f"--out {path} cannot be written ({error.strerror}): choose another"
        ) from error
