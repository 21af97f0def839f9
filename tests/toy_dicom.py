"""Arrays as DICOM series, for tests."""

import numpy as np

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
LPS = np.diag([-1.0, -1.0, 1.0])


def write_series(
    folder, hu, affine, *, inter=-1024, signed=False, patient="P1", change=None, seed=0
):
    """Write an array as a DICOM series, one file a slice, in shuffled names.

    `hu` is (i, j, k) on a RAS `affine`; `inter` and `signed` say how numbers are stored;
    `change(dataset, k)` may alter a slice before it is saved, or leave it out by returning False.
    """
    from pydicom.uid import generate_uid

    folder.mkdir(parents=True, exist_ok=True)
    series, frame, study = (generate_uid() for _ in range(3))
    names = np.random.default_rng(seed).permutation(hu.shape[2])
    stored = (hu.astype(int) - inter).astype("<i2" if signed else "<u2")
    datasets = []
    for k in range(hu.shape[2]):
        dataset = _slice(stored[:, :, k].T, affine, k)
        dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = series, frame
        dataset.StudyInstanceUID, dataset.PatientID = study, patient
        dataset.RescaleSlope, dataset.RescaleIntercept = "1", str(inter)
        dataset.PixelRepresentation = int(signed)
        if change is None or change(dataset, k) is not False:
            dataset.save_as(folder / f"IM{names[k]:04d}", enforce_file_format=True)
        datasets.append(dataset)
    return datasets


def _slice(pixels, affine, k):
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    steps, position = LPS @ affine[:3, :3], LPS @ (affine[:3, :3] @ [0, 0, k] + affine[:3, 3])
    column_mm, row_mm = np.linalg.norm(steps[:, :2], axis=0)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = CT_IMAGE
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.Modality, dataset.ImageType = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.StudyDate = dataset.StudyTime = dataset.AccessionNumber = dataset.StudyID = ""
    dataset.PatientName = dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.ReferringPhysicianName, dataset.InstanceNumber = "", str(k + 1)
    dataset.ImagePositionPatient = [_decimal(value) for value in position]
    cosines = [*steps[:, 0] / column_mm, *steps[:, 1] / row_mm]
    dataset.ImageOrientationPatient = [_decimal(value) for value in cosines]
    dataset.PixelSpacing, dataset.SliceThickness = [_decimal(row_mm), _decimal(column_mm)], "1"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelData = np.ascontiguousarray(pixels).tobytes()
    return dataset


def _decimal(value):
    """A number as DICOM's decimal string, at most 16 bytes."""
    return f"{value:.9g}"
