"""DICOM contours and segments -> masks."""
