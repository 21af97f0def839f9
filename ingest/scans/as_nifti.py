"""A volume of any format as the bytes of a NIfTI file, for programs that read no other."""

from typing import Any

import nibabel
import numpy.typing as npt

from ingest.scans.volume import Volume, whole


def as_nifti(volume: Volume, dtype: npt.DTypeLike) -> bytes:
    """Read a volume whole, and lay it out as `.nii`.

    Args:
        volume: A scan or a mask.
        dtype: Of its slabs: int16 or uint8.

    Raises:
        BadCaseError: If it turns out to be damaged.
    """
    image: Any = nibabel.Nifti1Image(whole(volume, dtype), volume.grid.matrix)
    image.set_qform(image.affine, code=1)
    return bytes(image.to_bytes())
