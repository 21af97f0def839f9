"""RTSTRUCT contents for tests: contours of any kind on a small grid, without files."""

import warnings
from pathlib import Path

import numpy as np
import pydicom

from ingest.scans.geometry import Grid, as_affine

GRID = Grid(shape=(32, 24, 8), affine=as_affine(np.diag([-2.0, -2.0, 3.0, 1.0])))
SQUARE = np.array([[5, 5], [15, 5], [15, 15], [5, 15]], float)
PATH = Path("rt.dcm")


def item(**values):
    """A dataset; values that the standard forbids are written as they are."""
    dataset = pydicom.Dataset()
    with warnings.catch_warnings(action="ignore"):
        for name, value in values.items():
            setattr(dataset, name, value)
    return dataset


def contour(points, k, kind="CLOSED_PLANAR"):
    """A contour in LPS mm; `kind` None leaves the type out."""
    places = np.column_stack([points, np.full(len(points), k)]) * [2, 2, 3]
    typed = {} if kind is None else {"ContourGeometricType": kind}
    return item(ContourData=[f"{value:.4f}" for value in places.ravel()], **typed)


def structure(*regions):
    """A file with regions of (name, contours)."""
    return item(
        StructureSetROISequence=[
            item(ROINumber=number, ROIName=name) for number, (name, _) in enumerate(regions)
        ],
        ROIContourSequence=[
            item(ReferencedROINumber=number, ContourSequence=contours)
            for number, (_, contours) in enumerate(regions)
        ],
    )
