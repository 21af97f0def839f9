"""What is predicted already, from which scan and by what: `predictions.csv`, `lesions.csv`."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ingest.case import BadCaseError, Case
from ingest.job.fingerprint import of_file
from lungseg.inference.case_table import CaseTable
from lungseg.inference.options import PredictOptions
from lungseg.inference.outputs.targets import refuse_to_replace, targets_of
from lungseg.postprocessing.lesion_table import COLUMNS as LESION_COLUMNS

NAME, LESIONS_NAME = "predictions.csv", "lesions.csv"
COLUMNS = (
    "case", "status", "scan", "tumor_ml", "tumor_ml_least", "tumor_ml_most", "tumor_voxels",
    "lesions", "lesions_dropped", "slices", "slices_unread", "files", "error", "made_from",
    "made_by",
)  # fmt: skip
_DECIDE = (
    "threshold", "all_slices", "fill_nan", "post_processing", "lung_hull", "smallest_mm3",
    "keep_largest", "precision",
)  # fmt: skip
"""Options that decide what a mask is."""


class Ledger:
    """Knows which results are there and still hold, and notes those that are made.

    Args:
        options: Where the results go, and how they are made.
        checkpoint_sha256: Hash of the checkpoint's bytes, hexadecimal.
    """

    def __init__(self, options: PredictOptions, checkpoint_sha256: str) -> None:
        self._options = options
        self._made_by = _digest([checkpoint_sha256, *(getattr(options, name) for name in _DECIDE)])
        self._table = CaseTable(options.out / NAME, COLUMNS)
        self._lesions = CaseTable(options.out / LESIONS_NAME, LESION_COLUMNS, num_keys=2)

    def left(self, scans: Sequence[Case]) -> list[Case]:
        """The scans that are to be predicted.

        Raises:
            PredictError: If a result would be replaced that this run would not make again alike.
        """
        options = self._options
        if not options.skip_done:
            refuse_to_replace(scans, options)
            return list(scans)
        refuse_to_replace([scan for scan in scans if not self._holds(scan)], options)
        return [scan for scan in scans if not self._is_done(scan)]

    def begin(self, scan: Case) -> None:
        """Note, before its files are there, what they will be made from."""
        self._note(scan, status="begun")
        self._lesions.put(scan.name, [])

    def done(self, scan: Case, result: Mapping[str, Any]) -> None:
        """Note a scan's result, once its files are there."""
        self._lesions.put(scan.name, result["lesions"])
        known = {name: result[name] for name in COLUMNS if name in result}
        known |= {"files": " ".join(result["files"]), "lesions": len(result["lesions"])}
        self._note(scan, status="done", **known)

    def failed(self, scan: Case, error: str) -> None:
        """Note why a scan could not be predicted."""
        self._note(scan, status="failed", error=error)

    def finish(self) -> None:
        """Leave the tables whole and sorted."""
        self._table.finish()
        self._lesions.finish()

    def _note(self, scan: Case, **values: object) -> None:
        origin = {"made_from": _made_from(scan), "made_by": self._made_by}
        self._table.put(scan.name, [{"scan": scan.image, **values, **origin}])

    def _holds(self, scan: Case) -> bool:
        """Whether the files of a scan are what this run would make of it, as far as they are."""
        (row,) = self._table.rows(scan.name) or [{}]
        return row.get("made_by") == self._made_by and row.get("made_from") == _made_from(scan)

    def _is_done(self, scan: Case) -> bool:
        (row,) = self._table.rows(scan.name) or [{}]
        present = all(path.exists() for path in targets_of(scan.name, self._options).all)
        listed = row.get("lesions") == str(len(self._lesions.rows(scan.name)))
        return row.get("status") == "done" and present and listed and self._holds(scan)


def _made_from(scan: Case) -> str:
    try:
        return _digest(of_file(scan.image, scan.image.parent, files=scan.files))
    except BadCaseError:
        return "unreadable"


def _digest(what: object) -> str:
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]
