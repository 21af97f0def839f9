"""A finding that is fatal stops a case."""

import pytest

from ingest.case import BadCaseError
from ingest.findings.finding import Finding, refuse


def test_only_fatal_findings_refuse_and_all_of_them_speak():
    def finding(level, message):
        return Finding(case="c", level=level, rule="r", message=message)

    refuse([finding("warning", "a"), finding("note", "b")])
    with pytest.raises(BadCaseError, match=r"^one; two$"):
        refuse([finding("fatal", "one"), finding("warning", "a"), finding("fatal", "two")])
