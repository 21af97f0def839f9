import json

import nibabel
import numpy as np
import pytest

from ingest.phantom.case import make_phantom
from ingest.phantom.data_set import PhantomError, PhantomSet, make_phantoms

SMALL = {"size": 64, "slices": 16}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("phantom") / "set"
    options = PhantomSet(out=out, cases=3, test_cases=1, seed=3, workers=1, **SMALL)
    summary = make_phantoms(options)
    assert summary["tumor_free"] == 1
    return out


def bytes_of(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.slow
def test_bytes_do_not_depend_on_the_number_of_workers(folder, tmp_path):
    options = {"cases": 3, "test_cases": 1, "seed": 3, **SMALL}
    make_phantoms(PhantomSet(out=tmp_path / "two", workers=2, **options))
    assert bytes_of(tmp_path / "two") == bytes_of(folder)


@pytest.mark.parametrize("seed", [3, 4])
def test_a_case_is_the_same_in_a_smaller_set_of_the_same_seed(folder, tmp_path, seed):
    make_phantoms(
        PhantomSet(out=tmp_path / "one", cases=1, test_cases=0, seed=seed, workers=1, **SMALL)
    )
    name = "imagesTr/lung_001.nii.gz"
    same = (tmp_path / "one" / name).read_bytes() == (folder / name).read_bytes()
    assert same == (seed == 3)


def test_dataset_json_lists_exactly_the_files(folder):
    dataset = json.loads((folder / "dataset.json").read_text())
    listed = [path for pair in dataset["training"] for path in pair.values()] + dataset["test"]
    on_disk = {f"./{p.relative_to(folder)}" for p in folder.glob("[il][ma]*T[rs]/*")}
    assert set(listed) == {path for path in on_disk if "labelsTs" not in path}
    assert (dataset["numTraining"], dataset["numTest"]) == (3, 1)
    assert dataset["labels"] == {"0": "background", "1": "cancer"}
    assert dataset["modality"] == {"0": "CT"}
    assert (folder / "labelsTs" / "lung_501.nii.gz").is_file()


def test_files_hold_hu_and_a_mask_on_one_grid(folder):
    for path in folder.glob("images*/*"):
        image = nibabel.load(path)
        label = nibabel.load(
            path.parent.parent / path.parent.name.replace("images", "labels") / path.name
        )
        assert image.get_data_dtype() == np.int16
        assert label.get_data_dtype() == np.uint8
        assert image.shape == label.shape
        assert np.array_equal(image.affine, label.affine)
        assert set(np.unique(np.asarray(label.dataobj))) <= {0, 1}


def test_stored_orientations_differ_and_the_scans_agree_once_canonical(folder):
    found = []
    for case in range(1, 4):
        scan = make_phantom(seed=3, case=case, **SMALL)
        image = nibabel.load(folder / "imagesTr" / f"lung_{case:03d}.nii.gz")
        found.append("".join(nibabel.aff2axcodes(image.affine)))
        canonical = nibabel.as_closest_canonical(image)
        assert np.array_equal(np.asarray(canonical.dataobj), scan.image)
        np.testing.assert_allclose(canonical.affine, scan.affine, atol=1e-4)
    assert found == ["RAS", "LPS", "LAS"]


def test_the_truth_is_written_down(folder):
    truth = json.loads((folder / "phantom.json").read_text())["cases"]
    assert list(truth) == ["lung_001", "lung_002", "lung_003", "lung_501"]
    for name, record in truth.items():
        part = "Tr" if record["subset"] == "training" else "Ts"
        label = nibabel.load(folder / f"labels{part}" / f"{name}.nii.gz")
        assert sum(tumor["voxels"] for tumor in record["tumors"]) == np.asarray(label.dataobj).sum()
        assert "".join(nibabel.aff2axcodes(label.affine)) == record["orientation"]


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("keep me")
    with pytest.raises(PhantomError, match="absent or empty folder"):
        make_phantoms(PhantomSet(out=tmp_path, **SMALL))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_nothing_is_left_when_writing_fails(tmp_path, monkeypatch):
    def fail(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ingest.phantom.case.make_phantom", fail)
    with pytest.raises(PhantomError, match="No space left"):
        make_phantoms(PhantomSet(out=tmp_path / "set", workers=1, **SMALL))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "value"), [("cases", 0), ("size", 8), ("slices", 2)])
def test_options_out_of_range_are_refused(tmp_path, name, value):
    with pytest.raises(ValueError, match=f"--{name} must be"):
        PhantomSet(out=tmp_path, **{name: value})
