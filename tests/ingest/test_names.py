"""A file is a volume by its name; what is none says how it becomes one."""

from pathlib import Path

import pytest

from ingest.names import VOLUMES, how_to_convert, is_itk, is_volume, stem


@pytest.mark.parametrize("suffix", VOLUMES)
def test_volumes_are_known_by_their_suffix_and_hidden_ones_are_none(tmp_path, suffix):
    for name in (f"a.b{suffix}", f"._a{suffix}", f"A{suffix.upper()}"):
        (tmp_path / name).touch()
    assert is_volume(tmp_path / f"a.b{suffix}")
    assert is_volume(tmp_path / f"A{suffix.upper()}")
    assert not is_volume(tmp_path / f"._a{suffix}")
    assert not is_volume(tmp_path / f"absent{suffix}")
    (tmp_path / f"folder{suffix}").mkdir()
    assert not is_volume(tmp_path / f"folder{suffix}")
    (tmp_path / f"link{suffix}").symlink_to("nowhere")
    assert is_volume(tmp_path / f"link{suffix}")
    assert stem(Path(f"a.b{suffix}")) == "a.b"
    assert stem(Path(f"A.B{suffix.upper()}")) == "A.B"
    assert is_itk(Path(f"a{suffix}")) == (".nii" not in suffix)
    assert how_to_convert(Path(f"a{suffix}")) in ("", f"unpack a{suffix} first")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("x.zip", "unpack x.zip first"),
        ("x.tar.gz", "unpack x.tar.gz first"),
        ("x.vtk", "SimpleITK.WriteImage"),
        ("x.IMG", "left and right"),
        ("x.npy", "nibabel.Nifti1Image(array, affine)"),
        ("readme.txt", ""),
    ],
)
def test_other_files_say_in_a_line_how_to_convert_them(name, advice):
    assert advice in how_to_convert(Path(name))
    assert "\n" not in how_to_convert(Path(name))
    assert bool(how_to_convert(Path(name))) == bool(advice)
