"""What a manifest says of a shard that a benchmark made: a case of square slices, 1 mm apart."""

from shards.manifest import CaseEntry


def shard_entry(case: str, written, size: int) -> CaseEntry:
    count = len(written.index.tumor)
    return CaseEntry(
        shard=f"cases/{case}.tar",
        bytes=written.bytes,
        sha256=written.sha256,
        source={},
        patient=case,
        shape=(size, size, count),
        affine=((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)),
        spacing_mm=(1, 1, 1),
        orientation="RAS",
        slices=count,
        slices_dropped=0,
        tumor_slices=int(written.index.tumor.sum()),
        tumor_voxels=int(written.index.tumor_pixels.sum()),
        tumor_voxels_dropped=0,
    )
