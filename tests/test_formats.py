"""What docs/formats.md names exists: options, suffixes, measures, extras."""

import re
import tomllib
from pathlib import Path

import pytest

from ingest.dicom.masks.contours import CONTOUR_VOLUME
from ingest.names import VOLUMES
from ingest.options import BuildShards, Check
from shards.console.limits import flag

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/formats.md").read_text()
OPTIONS = {flag(name) for options in (BuildShards, Check) for name in options.__dataclass_fields__}


def test_each_option_that_the_page_names_is_one():
    named = set(re.findall(r"--[a-z][a-z-]+", PAGE))
    assert len(named) > 10
    assert named <= OPTIONS


@pytest.mark.parametrize("suffix", VOLUMES)
def test_each_suffix_that_is_read_is_named(suffix):
    assert f"`{suffix}`" in PAGE


def test_measures_and_extras_are_called_by_their_names():
    assert f"`{CONTOUR_VOLUME}`" in PAGE
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for extra in re.findall(r"lungseg\[([a-z-]+)\]", PAGE):
        assert extra in extras["optional-dependencies"]


def test_readme_leads_to_the_page():
    assert "(docs/formats.md)" in (ROOT / "README.md").read_text()
