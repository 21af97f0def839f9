"""A headless Chromium for tests of pages, where this machine has one."""

import shutil
import subprocess

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)

SOFTWARE_GPU = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
"""Flags with which it draws in 3D on any machine."""


def opened(address, profile, *flags, timeout=300):
    """The ended browser after it has shown a page: the document as it then was is its `stdout`.

    Args:
        address: Of the page.
        profile: An empty folder that the browser may fill.
        flags: Further ones of the browser.
        timeout: Seconds.
    """
    command = [BROWSER, "--headless=new", "--no-sandbox", "--dump-dom", *flags]
    return subprocess.run(
        [*command, f"--user-data-dir={profile}", address],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=True,
    )
