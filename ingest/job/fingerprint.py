"""Whether a source file is still the one a shard was made from, without reading it all."""

import os
import stat
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ingest.case import BadCaseError, Case
from ingest.scans.nifti import read_header
from ingest.scans.text_header import data_files
from ingest.search import files_below

_GZIP_MAGIC = b"\x1f\x8b"
_LEAST_GZIP_BYTES = 18


def of_case(case: Case, source: Path) -> dict[str, Any]:
    """Fingerprint of a case's files, as `CaseEntry.source` keeps it.

    Raises:
        BadCaseError: If a file is missing.
    """
    fingerprint: dict[str, Any] = {"image": of_file(case.image, source, files=case.files)}
    if case.label:
        fingerprint["label"] = of_file(case.label, source)
    return fingerprint | ({"roi": list(case.roi)} if case.roi else {})


def of_file(path: Path, source: Path, *, files: Sequence[Path] = ()) -> dict[str, Any]:
    """Fingerprint of one file, or of a folder of files, as a header whose data lie apart is too.

    Args:
        path: The file.
        source: Folder that its name is told from.
        files: What counts in a folder; all below it when empty.

    Returns:
        `file`, `bytes` and, for a gzipped volume, `crc32` of its content, which the file's last
        bytes say and reading verifies; for any other file `modified_ns` stands in for it, for
        several `files_crc32`, of the name, size and time of each.

    Raises:
        BadCaseError: If it is missing.
    """
    name = path.relative_to(source) if path.is_relative_to(source) else path
    try:
        if path.is_dir():
            return {"file": str(name), **_of_folder(path, files)}
        if apart := data_files(path):
            return {"file": str(name), **_of_folder(path.parent, [path, *apart])}
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is no plain file")
        crc32 = _crc32_of_all(path) if _is_gzip(path, status.st_size) else None
    except OSError as error:
        what = error.strerror or str(error)
        raise BadCaseError(
            f"{path} cannot be read ({what}): restore it, or take the case out"
        ) from error
    known = {"modified_ns": status.st_mtime_ns} if crc32 is None else {"crc32": crc32}
    return {"file": str(name), "bytes": status.st_size} | known


def _is_gzip(path: Path, num_bytes: int) -> bool:
    with path.open("rb") as file:
        return num_bytes >= _LEAST_GZIP_BYTES and file.read(2) == _GZIP_MAGIC


def _crc32_of_all(path: Path) -> int | None:
    """The CRC in a gzip's last bytes; None where it is of the last of several members only."""
    with path.open("rb") as file:
        file.seek(-8, 2)
        crc32, length = (int.from_bytes(file.read(4), "little") for _ in range(2))
    try:
        whole = read_header(path).volume_bytes
    except BadCaseError:
        return None
    return crc32 if length == whole % 2**32 else None


def _of_folder(path: Path, files: Sequence[Path]) -> dict[str, int]:
    files = sorted(files or (file for file in files_below(path) if file.is_file()))
    stats = [(os.path.relpath(file, path), file.stat()) for file in files]
    told = "\n".join(f"{name} {status.st_size} {status.st_mtime_ns}" for name, status in stats)
    return {
        "bytes": sum(status.st_size for _, status in stats),
        "files": len(files),
        "files_crc32": zlib.crc32(os.fsencode(told)),
    }
