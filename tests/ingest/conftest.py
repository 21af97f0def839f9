"""Data sets that tests of this room make: DICOM files as scanners and drawing tools write them."""

import numpy as np
import pytest

LPS = np.diag([-1.0, -1.0, 1.0])
AFFINE = np.array([[-0.7, 0, 0, 20], [0, -0.7, 0, 5], [0, 0, 2.5, -100], [0, 0, 0, 1.0]])
RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"


@pytest.fixture(scope="session")
def write_rtstruct():
    """Function that writes contours as an RTSTRUCT file, and returns its path.

    A contour is (region number, slice index, (n, 2) polygon in pixels) on a RAS `affine`;
    `change(dataset)` may alter the file before it is saved.
    """
    return _write_rtstruct


@pytest.fixture(scope="session")
def write_seg():
    """Function that writes masks (i, j, k) by label as segments of a DICOM-SEG, by highdicom."""
    return _write_seg


def _write_rtstruct(
    path, datasets, contours, *, affine=AFFINE, names=("Tumor",), refer=True, change=None
):
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    file = Dataset()
    file.file_meta = FileMetaDataset()
    file.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file.SOPClassUID = file.file_meta.MediaStorageSOPClassUID = RTSTRUCT
    file.SOPInstanceUID = file.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    file.SeriesInstanceUID, file.PatientID = generate_uid(), datasets[0].PatientID
    frame = _item(FrameOfReferenceUID=datasets[0].FrameOfReferenceUID)
    if refer:
        on = _item(SeriesInstanceUID=datasets[0].SeriesInstanceUID)
        frame.RTReferencedStudySequence = [_item(RTReferencedSeriesSequence=[on])]
    file.ReferencedFrameOfReferenceSequence = [frame]
    file.StructureSetROISequence = [
        _item(ROINumber=number, ROIName=name) for number, name in enumerate(names)
    ]
    file.ROIContourSequence = [
        _item(
            ReferencedROINumber=region,
            ContourSequence=[
                _contour(voxels, k, affine) for number, k, voxels in contours if number == region
            ],
        )
        for region in range(len(names))
    ]
    if change:
        change(file)
    file.save_as(path, enforce_file_format=True)
    return path


def _item(**values):
    from pydicom.dataset import Dataset

    dataset = Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


def _contour(polygon, k, affine):
    voxels = np.column_stack([polygon, np.full(len(polygon), k)])
    points = (voxels @ affine[:3, :3].T + affine[:3, 3]) * np.diag(LPS)
    return _item(
        ContourGeometricType="CLOSED_PLANAR",
        NumberOfContourPoints=len(points),
        ContourData=[f"{value:.7g}" for value in points.ravel()],
    )


def _write_seg(path, datasets, masks, **options):
    import highdicom
    from pydicom.sr.codedict import codes

    segments = [
        highdicom.seg.SegmentDescription(
            segment_number=number,
            segment_label=label,
            segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
            segmented_property_type=codes.SCT.Neoplasm,
            algorithm_type="MANUAL",
        )
        for number, label in enumerate(masks, start=1)
    ]
    pixels = np.stack([mask.transpose(2, 1, 0) for mask in masks.values()], axis=-1)
    highdicom.seg.Segmentation(
        source_images=datasets,
        pixel_array=pixels,
        segment_descriptions=segments,
        series_instance_uid=highdicom.UID(),
        series_number=1,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="m",
        manufacturer_model_name="m",
        software_versions="1",
        device_serial_number="1",
        **{"segmentation_type": "BINARY", **options},
    ).save_as(path)
    return path
