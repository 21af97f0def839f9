"""DICOM files -> scans and masks."""
