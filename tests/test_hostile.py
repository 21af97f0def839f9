"""What comes from elsewhere with bad intent is refused or made harmless, in one line."""

import gzip
import http.server
import os
import pickle
import threading
import tracemalloc
import zipfile

import nibabel
import numpy as np
import pytest
import torch

from ingest.case import BadCaseError
from ingest.find_scans import find_scans
from ingest.recipe import Recipe
from ingest.slices.scan_slices import load_scan
from lungseg.inference.model_file import ModelFileError
from lungseg.inference.options import PredictOptions
from lungseg.inference.predict_all import predict
from lungseg.portable.export import export
from lungseg.portable.options import ExportOptions
from lungseg.viewer.errors import ViewError
from lungseg.viewer.scene import scene
from tests.browser import BROWSER, opened

AFFINE = np.diag([-0.7, -0.7, 2.5, 1.0])


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Predicts with a net that finds nothing; its results lie in `tmp_path/out`."""
    from lungseg.inference.model_file import LoadedModel

    recipe = Recipe(size=8, drop_slices=0)
    model = LoadedModel(net=torch.nn.Identity(), recipe=recipe, options={})
    monkeypatch.setattr("lungseg.inference.ensemble.load_model", lambda path, device: model)
    made = {"checkpoint": tmp_path / "c", "out": tmp_path / "out", "device": "cpu"}
    return lambda path, **given: predict(PredictOptions(input=path, **made | given))


@pytest.mark.parametrize("opened", [open, gzip.open])
def test_a_nifti_that_claims_a_million_million_voxels_costs_nothing(tmp_path, opened):
    header = nibabel.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape((10_000, 10_000, 10_000))
    header.set_sform(np.eye(4), 1)
    header["magic"], header["vox_offset"] = b"n+1", 352
    path = tmp_path / ("a.nii" if opened is open else "a.nii.gz")
    with opened(path, "wb") as file:
        file.write(header.binaryblock + bytes(4 + 1000))
    tracemalloc.start()
    try:
        for read in (lambda: load_scan(path, Recipe(drop_slices=0)), lambda: scene(path, [])):
            with pytest.raises((BadCaseError, ViewError), match=r"a\.nii.* is truncated"):
                read()
        assert tracemalloc.get_traced_memory()[1] < 5e8
    finally:
        tracemalloc.stop()


def test_three_series_in_one_folder_are_three_scans_and_never_one(tmp_path, write_series, run):
    for number in range(3):
        write_series(tmp_path / "in", np.zeros((8, 8, 4), np.int16), AFFINE, seed=number)
        for path in (tmp_path / "in").glob("IM*"):
            path.rename(path.with_name(f"{number}-{path.name}"))
    assert len(run(tmp_path / "in")["predicted"]) == 3
    with pytest.raises(BadCaseError, match=r"is one DICOM series.*found 3"):
        load_scan(tmp_path / "in", Recipe(drop_slices=0))
    with pytest.raises(ViewError, match="found 3"):
        scene(tmp_path / "in", [])


@pytest.mark.parametrize(
    "patient", ["../../evil", "/etc/evil", "..", "a\\..\\b", "<script>x", "\0"]
)
@pytest.mark.parametrize("kind", ["nifti", "dicom-seg"])
def test_a_patient_whose_name_is_a_path_stays_in_the_folder(
    tmp_path, write_series, run, patient, kind
):
    write_series(tmp_path / "in/ct", np.zeros((8, 8, 4), np.int16), AFFINE, patient=patient)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    (name,) = run(tmp_path / "in", format=kind)["predicted"]
    made = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert {path.parent for path in made} == {tmp_path / "out"}
    assert not set(name) & set('/\\<>"\0')


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("how", ["torch", "plain", "zip"])
def test_a_checkpoint_that_is_a_bomb_does_not_go_off(tmp_path, how):
    path, mark = tmp_path / "best.ckpt", tmp_path / "went-off"
    if how == "torch":
        torch.save({"state_dict": Bomb(mark)}, path)
    elif how == "plain":
        path.write_bytes(pickle.dumps(Bomb(mark)))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data.pkl", pickle.dumps(Bomb(mark)))
            archive.writestr("archive/version", "3")
            archive.writestr("archive/data/0", bytes(10**7))
    scan = tmp_path / "a.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4)), scan)
    with pytest.raises(ModelFileError, match="is no checkpoint"):
        export(ExportOptions(checkpoint=path, out=tmp_path / "model.onnx"))
    with pytest.raises(ModelFileError, match="is no checkpoint"):
        predict(PredictOptions(checkpoint=path, input=scan, out=tmp_path / "out", device="cpu"))
    assert not mark.exists()
    assert not (tmp_path / "out").exists()


def test_an_onnx_file_is_no_checkpoint(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"\x08\x07\x12\x07pytorch" * 100)
    with pytest.raises(ModelFileError, match=r"model\.onnx is no checkpoint"):
        export(ExportOptions(checkpoint=tmp_path / "model.onnx", out=tmp_path / "out.onnx"))


@pytest.mark.parametrize("name", ["..nii.gz", "....nii"])
def test_a_file_without_a_name_is_no_scan(tmp_path, name):
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4)), tmp_path / name)
    with pytest.raises(BadCaseError, match="holds none"):
        find_scans(tmp_path)


@pytest.mark.parametrize("template", ["lungseg/report", "tune/results"])
def test_a_report_may_load_nothing_wherever_it_is_opened(template):
    text = open_template(template)
    (policy,) = [line for line in text.splitlines() if "Content-Security-Policy" in line]
    assert "default-src 'none'" in policy
    assert text.index(policy) < text.index("<style>")


def open_template(folder):
    from pathlib import Path

    return (Path(__file__).parents[1] / folder / "templates/report.html.j2").read_text()


@pytest.mark.slow
@pytest.mark.skipif(not BROWSER, reason="no chromium on this machine to open the report with")
def test_a_report_on_a_web_server_asks_it_for_nothing_more(tmp_path):
    """Also where a name slipped through as markup."""
    head = open_template("lungseg/report").partition("<title>")[0]
    page = f"{head}<title>r</title></head><body><img src=/stolen><script src=/x.js></script>"
    page += "<script>fetch('/taken'); document.title = 'ran'</script></body></html>"
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/report.html"
        flags = ("--disable-gpu", "--disable-background-networking")
        seen = opened(address, tmp_path / "b", *flags)
        server.shutdown()
    assert "<title>ran</title>" in seen.stdout
    assert set(asked) <= {"/report.html", "/favicon.ico"}
