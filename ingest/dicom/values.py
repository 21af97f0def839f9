"""Values in a DICOM file, or an error that names the file and the element."""

import contextlib
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.case import BadCaseError


@contextlib.contextmanager
def reading(path: Path, what: str = "") -> Iterator[None]:
    """Turn whatever pydicom trips over into an error that names the file.

    Only reading and converting values belongs within: pydicom's errors have no family of their own,
    so that all are caught. What it warns of, such as names longer than the standard allows, is not
    said: each file of a series would repeat it.

    Args:
        path: The file that is read.
        what: Keyword of the element, or whatever else tells the place in the file.

    Raises:
        BadCaseError: If anything else than that is raised within.
    """
    logging.getLogger("pydicom").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except BadCaseError:
        raise
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        place = f"{what}: {said}" if what else said
        raise BadCaseError(f"{path} is damaged ({place}): copy or download it again") from error


def numbers(values: Any, keyword: str, count: int, path: Path) -> npt.NDArray[np.float64]:
    """An element as (count,) finite numbers; with a count of -1, as many as it has.

    Raises:
        BadCaseError: If it is absent or holds something else.
    """
    with reading(path, keyword):
        array = np.array(values[keyword].value, float).reshape(-1)
    if count not in (-1, array.size) or not np.isfinite(array).all():
        wanted = {-1: "finite numbers", 1: "a finite number"}.get(count, f"{count} finite numbers")
        raise BadCaseError(
            f"{path}: {keyword} must be {wanted}, found {array.tolist()[:4]}: copy or export "
            "the file again"
        )
    return array
