"""A predicted scan as an animation for people."""

from pathlib import Path

from ingest.scans.geometry import to_canonical
from ingest.slices.source_grid import ScanSlices
from lungseg.inference.infer import Mask
from lungseg.report.pictures import caption, outline_picture, picture_size, write_gif
from shards.console.whole import whole_or_nothing


def write_animation(name: str, scan: ScanSlices, mask: Mask, target: Path) -> None:
    """The slices that the model saw, from the feet up, with the prediction outlined."""
    canonical = scan.grid.canonical()
    width_mm, height_mm, _ = (
        size * pitch for size, pitch in zip(canonical.shape, canonical.spacing_mm, strict=True)
    )
    size = picture_size((height_mm, width_mm), edge=384)
    planes = to_canonical(mask, scan.grid)
    pictures = (
        caption(
            outline_picture(image, None, planes[:, :, z].T, size=size),
            f"{name}  slice {z} of {scan.num_slices}",
        )
        for z, image in zip(scan.z, scan.images, strict=True)
    )
    with whole_or_nothing(target) as unfinished:
        write_gif(pictures, unfinished)
