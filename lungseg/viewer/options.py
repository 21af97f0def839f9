"""The options of `python -m lungseg.view`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from shards.console.command import Options, Positional
from shards.console.limits import Limits


@dataclass(frozen=True, kw_only=True)
class ViewOptions(Options):
    """Look at a scan and its masks."""

    OF_ONE_RUN: ClassVar[tuple[str, ...]] = ("open_browser",)

    scan: Annotated[Path, Positional]
    """A volume, or a folder with one DICOM series."""
    masks: Annotated[tuple[Path, ...], Positional] = ()
    """Masks on it: volumes, DICOM-SEG or RTSTRUCT; every value but 0 is shown."""
    port: Annotated[int, Limits(least=0, most=65535)] = 0
    """Port on 127.0.0.1; by default a free one."""
    open_browser: bool = False
    """Open the page in the browser of this machine."""
