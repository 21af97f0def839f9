"""The law of signatures: DICOM is known by its first bytes, whatever its name."""

from pathlib import Path

import pytest

from ingest.case import BadCaseError
from ingest.dicom.signature import is_dicom
from ingest.readers import open_label

PREAMBLE = b"\0" * 128


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (PREAMBLE + b"DICM", True),
        (b"x" * 128 + b"DICM" + b"rest", True),
        (PREAMBLE + b"DICN", False),
        (b"\x08\0\x05\0CS\x0a\0", True),  # group 8, explicit
        (b"\x08\0\x16\0\x1a\0\0\0", True),  # group 8, implicit
        (b"\x02\0\0\0UL\4\0", True),
        (b"\x10\0\x10\0PN\4\0", False),
        (b"DICM", False),
        (b"", False),
    ],
)
def test_the_first_bytes_decide(tmp_path, content, found):
    (tmp_path / "file").write_bytes(content)
    assert is_dicom(tmp_path / "file") is found


def test_what_is_no_file_is_no_dicom(tmp_path):
    assert not is_dicom(tmp_path)
    assert not is_dicom(tmp_path / "absent")


def test_what_cannot_be_read_is_none_and_whoever_reads_it_says_so(tmp_path, monkeypatch):
    def refused(path, *_args, **_named):
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "file").write_bytes(PREAMBLE + b"DICM")
    monkeypatch.setattr(Path, "open", refused)
    assert not is_dicom(tmp_path / "file")
    with pytest.raises(BadCaseError, match=r"file is damaged .*Permission denied"):
        open_label(tmp_path / "file")
