"""What lies where results go is named, and no scan is ever replaced."""

import pytest

from ingest.case import Case
from lungseg.inference.errors import PredictError
from lungseg.inference.options import PredictOptions
from lungseg.inference.outputs.targets import refuse_to_replace, spare_scans, targets_of


@pytest.fixture
def options(tmp_path):
    """Function: what is given -> options that write to `tmp_path/out`."""
    needed = {"checkpoint": tmp_path / "c", "input": tmp_path, "out": tmp_path / "out"}
    (tmp_path / "out").mkdir()
    return lambda **given: PredictOptions(**needed | given)


def scan(path):
    return Case(name=path.name.partition(".")[0], image=path, label=None, patient="")


def test_a_scan_gets_a_mask_and_what_else_was_asked_for(options, tmp_path):
    def names(**given):
        found = targets_of("a", options(**given)).all
        return [path.relative_to(tmp_path / "out").as_posix() for path in found]

    assert names() == ["a.nii.gz"]
    assert names(format="dicom-seg") == ["a.dcm"]
    assert names(gif=True) == ["a.nii.gz", "a.gif"]
    everything = names(probabilities=True, gif=True, mp4=True, contact_sheet=True)
    assert everything == ["a.nii.gz", "probabilities/a.nii.gz", "a.gif", "a.mp4", "a.png"]


@pytest.mark.parametrize("given", [{}, {"overwrite": True}, {"skip_done": True}])
def test_a_scan_is_never_replaced_however_it_is_called(options, tmp_path, given):
    (tmp_path / "out/a.nii.gz").write_bytes(b"scan")
    (tmp_path / "link").symlink_to(tmp_path / "out")
    for image in (tmp_path / "out/a.nii.gz", tmp_path / "link/a.nii.gz"):
        with pytest.raises(PredictError, match="would replace the scan"):
            spare_scans([scan(tmp_path / "other/b.nii.gz"), scan(image)], options(**given))


def test_a_result_of_one_scan_may_not_replace_another_scan(options, tmp_path):
    victim = tmp_path / "out/a.nii.gz"
    scans = [scan(tmp_path / "in/a.nii.gz"), Case(name="b", image=victim, label=None, patient="")]
    with pytest.raises(PredictError, match="would replace the scan"):
        spare_scans(scans, options())


def test_scans_elsewhere_are_free_to_be_predicted(options, tmp_path):
    spare_scans([scan(tmp_path / "in/a.nii.gz")], options())
    refuse_to_replace([scan(tmp_path / "in/a.nii.gz")], options())


def test_results_that_lie_there_are_named_with_the_ways_out(options, tmp_path):
    scans = [scan(tmp_path / f"in/{name}.nii.gz") for name in "abc"]
    (tmp_path / "out/b.nii.gz").touch()
    with pytest.raises(PredictError) as caught:
        refuse_to_replace(scans, options())
    said = str(caught.value)
    assert said.startswith(f"{tmp_path}/out/b.nii.gz would be replaced: choose another --out")
    assert "--overwrite" in said
    assert "--skip-done" in said
    (tmp_path / "out/c.nii.gz").touch()
    with pytest.raises(PredictError, match=r"and 1 more \(of another.*add --overwrite$"):
        refuse_to_replace(scans, options(skip_done=True))
    refuse_to_replace(scans, options(overwrite=True))


def test_an_old_animation_counts_where_one_is_made(options, tmp_path):
    (tmp_path / "out/a.gif").touch()
    refuse_to_replace([scan(tmp_path / "in/a.nii.gz")], options())
    with pytest.raises(PredictError, match=r"a\.gif would be replaced"):
        refuse_to_replace([scan(tmp_path / "in/a.nii.gz")], options(gif=True))
