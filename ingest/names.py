"""What a file's name says: whether it is a volume, of which format, how to convert others."""

from pathlib import Path

NIFTI = (".nii.gz", ".nii")
ITK = (".mha", ".mhd", ".nrrd", ".nhdr", ".mnc")
"""Formats that SimpleITK reads and that say where their voxels lie (GIPL and VTK do not)."""
VOLUMES = (*NIFTI, *ITK)
IN_WORDS = "NIfTI (.nii.gz, .nii), MetaImage (.mha, .mhd), NRRD (.nrrd, .nhdr) or MINC (.mnc)"

_PACKED = (".zip", ".tar", ".tgz", ".tar.gz", ".7z", ".rar", ".gz")
_ARRAYS = (".npy", ".npz", ".h5", ".hdf5", ".mat", ".png", ".jpg", ".jpeg", ".bmp", ".raw")
_OTHER_VOLUMES = (".hdr", ".img", ".gipl", ".vtk", ".vti", ".mgz", ".mgh", ".tif", ".tiff")


def is_volume(path: Path) -> bool:
    """Whether a file is a scan or a mask by its name; hidden files (`._*` of macOS) are none.

    A link to nothing is one: whoever reads it says so.
    """
    is_named = bool(suffix_of(path)) and not path.name.startswith(".")
    return is_named and (path.is_file() or (path.is_symlink() and not path.exists()))


def suffix_of(path: Path) -> str:
    """The suffix of a volume that a name ends with, in lower case; empty where it has none."""
    name = path.name.lower()
    return next((suffix for suffix in VOLUMES if name.endswith(suffix)), "")


def is_itk(path: Path) -> bool:
    """Whether a file is of a format that SimpleITK reads for us."""
    return suffix_of(path) in ITK


def may_hold_scan(path: Path) -> bool:
    """Whether a file that is no volume may hold one by its name, packed or in another format."""
    is_other = path.name.lower().endswith((*_PACKED, *_OTHER_VOLUMES))
    return is_other and not suffix_of(path) and not path.name.startswith(".")


def stem(path: Path) -> str:
    """Name of a file without the suffix of a volume."""
    return path.name[: len(path.name) - len(suffix_of(path))]


def how_to_convert(path: Path) -> str:
    """What to do about a file that is no volume, in one line; empty where its name says nothing."""
    name = path.name.lower()
    if name.endswith(_PACKED):
        return f"unpack {path} first"
    if name.endswith(_OTHER_VOLUMES):
        return (
            f"convert {path} to NIfTI and look whether left and right are kept: "
            "SimpleITK.WriteImage(SimpleITK.ReadImage(FILE), 'x.nii.gz')"
        )
    if name.endswith(_ARRAYS):
        return (
            f"{path} does not say where its voxels lie: convert it to NIfTI with "
            "nibabel.save(nibabel.Nifti1Image(array, affine), 'x.nii.gz'), affine to RAS in mm"
        )
    return ""
