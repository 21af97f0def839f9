"""The page in a real browser, without a network."""

import importlib.util
import re
import threading

import pytest

from lungseg.viewer.errors import ViewError
from lungseg.viewer.options import ViewOptions
from lungseg.viewer.scene import scene
from lungseg.viewer.server import Server
from lungseg.viewer.show import page, show
from tests.browser import BROWSER, SOFTWARE_GPU, opened


@pytest.mark.slow
@pytest.mark.skipif(not BROWSER, reason="no chromium on this machine to open the view with")
def test_a_browser_shows_scan_and_mask_without_an_error(tmp_path, scans):
    scan = scans.write_scan(tmp_path / "a.nii.gz", scans.ball())
    mask = scans.write(tmp_path / "<b>mask.nii.gz", scans.ball())
    with Server(page() | scene(scan, [mask])) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        flags = (*SOFTWARE_GPU, "--virtual-time-budget=20000", "--enable-logging=stderr")
        alone = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
        seen = opened(server.address, tmp_path / "b", *flags, alone)
        server.shutdown()
    said = [line for line in seen.stderr.splitlines() if "CONSOLE" in line]
    assert [line for line in said if re.search(r"Uncaught|[Ee]rror|Refused|Failed", line)] == []
    assert 'data-shown="2"' in seen.stdout
    assert "<canvas" in seen.stdout
    assert "&lt;b&gt;mask.nii.gz" in seen.stdout  # its name is text


def test_the_page_loads_nothing_from_elsewhere():
    own = {name: content for name, content in page().items() if name != "niivue.js"}
    assert set(own) == {"index.html", "app.js", "style.css"}
    assert not [name for name, content in own.items() if b"http" in content]


def test_a_library_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ViewError, match="pip install ipyniivue"):
        show(ViewOptions(scan=tmp_path / "a.nii.gz"))


def test_a_package_without_its_script_is_named(tmp_path, monkeypatch):
    found = importlib.util.spec_from_loader("x", None, is_package=True)
    found.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    with pytest.raises(ViewError, match="another version"):
        page()
