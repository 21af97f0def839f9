"""The mask of a series -> a DICOM-SEG that lies on it."""

import hashlib
import logging
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.uid import generate_uid

from ingest.case import BadCaseError
from ingest.dicom.scan import DicomVolume
from ingest.dicom.values import reading

_PLACE = (
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns",
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID",
)  # fmt: skip
_WHOSE = (
    "StudyInstanceUID", "PatientID", "PatientName", "PatientBirthDate", "PatientSex",
    "AccessionNumber", "StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName",
)  # fmt: skip
_FURTHER = ("SpecificCharacterSet", "SeriesDate", "SeriesTime")
_NO_DATE, _NO_TIME = "19000101", "000000"
_SERIES_NUMBER = 900  # behind those of scanners
_COLOR = (53.0, 80.0, 67.0)  # red, in CIELab

Slab = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class MadeBy:
    """What made a mask, as its file says it.

    Attributes:
        name: Of the program.
        version: Of the program.
        parameters: What else decided the mask, by name.
    """

    name: str
    version: str
    parameters: Mapping[str, str]


def write_segmentation(
    path: Path, scan: DicomVolume, slabs: Mapping[int, Slab], made_by: MadeBy
) -> None:
    """Write one segment, "Tumor", by highdicom: its frames reach from the first slice to the last.

    Equal masks of a series by the same program give equal bytes: identifiers come from the
    content, and the time is the scan's.

    Args:
        path: The file.
        scan: The series.
        slabs: (rows, columns), 0 or 1, by the number of the slice in the order of `scan.files`;
            slices without tumor may be absent.
        made_by: What made the mask.

    Raises:
        BadCaseError: If a header cannot be read, or highdicom is not installed.
        OSError: If the file cannot be written.
    """
    highdicom = needed_writer()
    images = [_header(file, scan.grid.spacing_mm[2]) for file in scan.files]
    frames = _frames(slabs, scan.grid.shape[1::-1])
    series, instance, dimensions = _identifiers(images, frames, made_by)
    with warnings.catch_warnings(action="ignore"):  # of names that scanners give, as they are
        values = highdicom.seg.Segmentation(
            source_images=images,
            pixel_array=np.stack(list(frames.values())),
            segmentation_type="BINARY",
            segment_descriptions=[_segment(highdicom, made_by)],
            series_instance_uid=series,
            series_number=_SERIES_NUMBER,
            series_description=f"Tumor by {made_by.name}",
            sop_instance_uid=instance,
            instance_number=1,
            content_label="TUMOR",
            omit_empty_frames=False,
            **_maker(made_by),
            **_planes(highdicom, images, frames),
        )
    _forget_the_clock(values, images[0], dimensions)
    values.save_as(path)


def needed_writer() -> Any:
    """The library that writes DICOM-SEG.

    Raises:
        BadCaseError: If it is not installed.
    """
    try:
        import highdicom
    except ModuleNotFoundError as missing:
        raise BadCaseError("writing DICOM-SEG needs highdicom: pip install highdicom") from missing
    logging.getLogger("highdicom").setLevel(logging.WARNING)  # it tells of each module it copies
    return highdicom


def _frames(slabs: Mapping[int, Slab], shape: tuple[int, ...]) -> dict[int, Slab]:
    """The slices between the first and the last with tumor, evenly spaced; else an empty one."""
    marked = [k for k, slab in slabs.items() if slab.any()] or [0]
    empty = np.zeros(shape, np.uint8)
    return {k: slabs.get(k, empty) for k in range(min(marked), max(marked) + 1)}


def _header(file: Path, step_mm: float) -> Any:
    """What a segmentation takes over from a slice; what the standard lets be empty may be absent.

    Raises:
        BadCaseError: If it cannot be read.
    """
    tags = [*_PLACE, *_WHOSE, *_FURTHER]
    with reading(file):
        values = pydicom.dcmread(file, specific_tags=tags, stop_before_pixels=True, force=True)
        values.SliceThickness = values.SpacingBetweenSlices = f"{step_mm:.9g}"
        for keyword in _WHOSE:
            if keyword not in values:
                setattr(values, keyword, "")
        for keyword in ("FrameOfReferenceUID", "StudyInstanceUID"):
            if not values.get(keyword):
                uid = generate_uid(entropy_srcs=[keyword, str(values.SeriesInstanceUID)])
                setattr(values, keyword, uid)
        list(values.iterall())  # converts all elements now
    return values


def _identifiers(
    images: Sequence[Any], frames: Mapping[int, Slab], made_by: MadeBy
) -> tuple[str, str, str]:
    """UIDs of the series, of the instance and of its dimensions, by what is in the file."""
    content = hashlib.sha256(repr(made_by).encode())
    for k, slab in frames.items():
        content.update(str(images[k].SOPInstanceUID).encode() + np.packbits(slab).tobytes())
    about = content.hexdigest()
    series, instance, dimensions = (
        generate_uid(entropy_srcs=[about, what]) for what in ("series", "instance", "dimensions")
    )
    return series, instance, dimensions


def _segment(highdicom: Any, made_by: MadeBy) -> Any:
    from pydicom.sr.codedict import codes

    return highdicom.seg.SegmentDescription(
        segment_number=1,
        segment_label="Tumor",
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Neoplasm,
        algorithm_type="AUTOMATIC",
        algorithm_identification=highdicom.AlgorithmIdentificationSequence(
            name=made_by.name,
            family=codes.DCM.ArtificialIntelligence,
            version=made_by.version,
            parameters=dict(made_by.parameters),
        ),
        display_color=highdicom.color.CIELabColor(*_COLOR),
    )


def _maker(made_by: MadeBy) -> dict[str, str]:
    return {
        "manufacturer": made_by.name,
        "manufacturer_model_name": made_by.name,
        "software_versions": made_by.version,
        "device_serial_number": "0",
    }


def _planes(highdicom: Any, images: Sequence[Any], frames: Iterable[int]) -> dict[str, Any]:
    """Where the frames lie: where their slices say that they do."""
    patient = highdicom.CoordinateSystemNames.PATIENT
    return {
        "pixel_measures": highdicom.PixelMeasuresSequence(
            pixel_spacing=images[0].PixelSpacing,
            slice_thickness=images[0].SliceThickness,
            spacing_between_slices=images[0].SpacingBetweenSlices,
        ),
        "plane_positions": [
            highdicom.PlanePositionSequence(patient, images[k].ImagePositionPatient) for k in frames
        ],
    }


def _forget_the_clock(values: Any, scan: Any, dimensions: str) -> None:
    """Put the time of the scan, and UIDs of the content, where highdicom puts those of now."""
    values.ContentDate = scan.get("SeriesDate") or scan.StudyDate or _NO_DATE
    values.ContentTime = scan.get("SeriesTime") or scan.StudyTime or _NO_TIME
    for keyword in ("InstanceCreationDate", "InstanceCreationTime"):
        delattr(values, keyword)
    for library in values.ContributingEquipmentSequence:
        library.pop("ContributionDateTime", None)
    for item in (*values.DimensionOrganizationSequence, *values.DimensionIndexSequence):
        item.DimensionOrganizationUID = dimensions
