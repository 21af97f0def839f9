"""Files as archives hold them: each comes out as a shard of the right slices, or as a named reason.

One data set holds a case for every quirk. It is built once as a user would, once more with the
options that accept what is refused by default, and checked; each row below states the outcome.
"""

import gzip
import logging
import os
import signal
import tarfile
import zlib

import nibabel as nib
import numpy as np
import pytest

import ingest.job.engines
from ingest.job.build import build_shards
from ingest.job.check import check
from ingest.job.one_case import build_case
from ingest.options import BuildShards, Check
from shards.codec import decode
from shards.manifest import Manifest

SHAPE = (24, 20, 10)
AFFINE = np.array([[-0.7, 0, 0, 30], [0, -0.8, 0, 20], [0, 0, 2.5, -50], [0, 0, 0, 1.0]])
SLICES = {"size": 16, "drop_slices": 2, "workers": 2}

rng = np.random.default_rng(0)
HU = rng.integers(-1000, 1000, SHAPE, dtype=np.int16)
TUMOR = np.zeros(SHAPE, np.uint8)
TUMOR[5:14, 6:15, 4:8] = 1
TUMOR[5, 6, 4] = 0


def nifti(array, affine=AFFINE, kind=nib.Nifti1Image):
    return kind(array, affine)


def raw(image):
    return image.to_bytes()


def packed(image):
    return gzip.compress(raw(image), 1)


def reoriented(image, axes):
    change = nib.orientations.ornt_transform(
        nib.io_orientation(image.affine), nib.orientations.axcodes2ornt(axes)
    )
    return image.as_reoriented(change)


def with_voxel(array, value, dtype=np.float32):
    changed = array.astype(dtype)
    changed[7, 8, 5] = value
    return changed


def mirrored():
    """The affine of the same voxels counted from the other end along x."""
    return AFFINE @ np.array([[-1, 0, 0, SHAPE[0] - 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


def negated():
    """The affine with x running the other way from the same corner: another place."""
    return AFFINE @ np.diag([-1, 1, 1, 1])


def shifted(mm, axis=0):
    affine = AFFINE.copy()
    affine[axis, 3] += mm
    return affine


def skewed():
    affine = AFFINE.copy()
    affine[0, 1] = 0.8 * np.tan(np.deg2rad(3))
    return affine


def scaled():
    """Stored numbers with slope 2 and intercept -1024 that mean even HU."""
    image = nifti(((HU // 2 * 2 + 1024) // 2).astype(np.int16))
    image.header.set_slope_inter(2, -1024)
    return image.header.binaryblock + bytes(4) + image.dataobj.T.tobytes()


def big_endian():
    return nib.Nifti1Image(HU, AFFINE, nib.Nifti1Header(endianness=">"))


def qform_only():
    image = nifti(HU)
    image.set_sform(None, code=0)
    image.set_qform(AFFINE, code=1)
    return image


def offset_of(value):
    """A scan whose header says that its voxels start elsewhere."""
    data = bytearray(raw(nifti(HU)))
    data[108:112] = np.float32(value).tobytes()
    return bytes(data)


def crc_wrong(data):
    return data[:-8] + bytes([data[-8] ^ 1]) + data[-7:]


def two_members():
    data = raw(nifti(HU))
    return gzip.compress(data[:3000], 1) + gzip.compress(data[3000:], 1)


def padded(value):
    hu = HU.copy()
    hu[:3] = value
    return hu


IMAGE, LABEL = packed(nifti(HU)), packed(nifti(TUMOR))

# The case's image and label as bytes of a .nii.gz (None: the file is absent)
FINE = {
    "plain": (IMAGE, LABEL),
    "label_a_hundredth_off": (IMAGE, packed(nifti(TUMOR, shifted(0.007)))),
    "label_stored_flipped": (IMAGE, packed(reoriented(nifti(TUMOR), "RAI"))),
    "permuted_pir": (packed(reoriented(nifti(HU), "PIR")), LABEL),
    "permuted_both": (
        packed(reoriented(nifti(HU), "SAL")), packed(reoriented(nifti(TUMOR), "ASR")),
    ),
    "four_axes_one_volume": (packed(nifti(HU[..., None])), packed(nifti(TUMOR[..., None]))),
    "label_almost_one": (IMAGE, packed(nifti(TUMOR * np.float32(0.9999)))),
    "nifti_2": (packed(nifti(HU, kind=nib.Nifti2Image)), LABEL),
    "big_endian": (packed(big_endian()), LABEL),
    "two_gzip_members": (two_members(), LABEL),
    "qform_only": (packed(qform_only()), LABEL),
    "renamed_to_gz": (raw(nifti(HU)), raw(nifti(TUMOR))),
    "n" * 80: (IMAGE, LABEL),
    "float_image": (packed(nifti(HU.astype(np.float32))), LABEL),
}  # fmt: skip

OTHER = {  # built, with slices or numbers of their own
    "padding_3024": (packed(nifti(padded(-3024))), LABEL),
    "padding_2048": (packed(nifti(padded(-2048))), LABEL),
    "slope_and_intercept": (gzip.compress(scaled(), 1), LABEL),
    "label_a_fifth_off": (IMAGE, packed(nifti(TUMOR, shifted(0.14)))),
    "skewed": (packed(nifti(HU, skewed())), packed(nifti(TUMOR, skewed()))),
    "even": (packed(nifti(HU // 2 * 2)), LABEL),
    "label_affine_mirrored": (IMAGE, packed(nifti(TUMOR, mirrored()))),
    "label_empty": (IMAGE, packed(nifti(TUMOR * 0))),
}

REFUSED = {  # with words of the reason
    "truncated": (IMAGE[: len(IMAGE) // 2], LABEL, "truncated: copy or download it again"),
    "label_truncated": (IMAGE, LABEL[: len(LABEL) // 2], "truncated"),
    "crc_wrong": (crc_wrong(IMAGE), LABEL, "damaged"),
    "label_crc_wrong": (IMAGE, crc_wrong(LABEL), "damaged"),
    "trailer_missing": (IMAGE[:-8], LABEL, "truncated"),
    "nan": (packed(nifti(with_voxel(HU, np.nan))), LABEL, "found 1 NaN or infinite"),
    "infinite": (packed(nifti(with_voxel(HU, np.inf))), LABEL, "found 1 NaN or infinite"),
    "label_40_mm_off": (IMAGE, packed(nifti(TUMOR, shifted(40))), "up to 57.1 voxels away"),
    "label_affine_negated": (IMAGE, packed(nifti(TUMOR, negated())), "up to 23 voxels away"),
    "label_shorter": (IMAGE, packed(nifti(TUMOR[:, :, 1:])), "(24, 20, 10) and (24, 20, 9)"),
    "label_longer": (packed(nifti(HU[:, :, 1:])), LABEL, "(24, 20, 9) and (24, 20, 10)"),
    "two_volumes": (packed(nifti(np.stack([HU, HU], -1))), LABEL, "found shape (24, 20, 10, 2)"),
    "label_2": (IMAGE, packed(nifti(TUMOR * np.uint8(2))), "found 2: say which"),
    "label_255": (IMAGE, packed(nifti(TUMOR * np.uint8(255))), "found 255: say which"),
    "label_0_6": (IMAGE, packed(nifti(TUMOR * np.float32(0.6))), "found 0.6"),
    "label_nan": (IMAGE, packed(nifti(with_voxel(TUMOR, np.nan))), "found nan"),
    "two_slices": (
        packed(nifti(HU[..., :2])), packed(nifti(TUMOR[..., :2])), "has 2 slices of 2.5 mm: lower",
    ),
    "unsigned": (packed(nifti((HU + 1024).astype(np.uint16) * np.uint16(2))), LABEL, "not HU?"),
    "no_label": (IMAGE, None, "has no label: add it"),
    "no_nifti": (b"not a scan", LABEL, "is no NIfTI file"),
    "offset_nan": (offset_of(np.nan), LABEL, "vox_offset must be 0 or at least 352, found nan"),
    "empty_file": (b"", LABEL, "is no NIfTI file"),
    "no_image": (None, LABEL, "restore it, or take the case out"),
    "n" * 81: (IMAGE, LABEL, "printable text of 1 to 80 bytes, got 81"),
    "twins": (IMAGE, LABEL, "one image, twins has twins.nii and twins.nii.gz: remove one"),
    "twin_labels": (IMAGE, LABEL, "twin_labels.nii and twin_labels.nii.gz: remove one"),
}  # fmt: skip

ACCEPTED = {  # by options of a second build
    "nan": {"fill_nan": -1000},
    "infinite": {"fill_nan": -1000},
    "label_2": {"tumor_labels": (1, 2, 255)},
    "label_255": {"tumor_labels": (1, 2, 255)},
    "unsigned": {"any_values": True},
    "two_slices": {"drop_slices": 0},
}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    cases = {name: files[:2] for name, files in (FINE | OTHER | REFUSED).items()}
    folder = write_cases(tmp_path_factory.mktemp("quirks") / "source", cases)
    (folder / "imagesTr" / "twins.nii").write_bytes(raw(nifti(HU)))
    (folder / "labelsTr" / "twin_labels.nii").write_bytes(raw(nifti(TUMOR)))
    for kind in ("imagesTr", "labelsTr"):
        (folder / kind / "._plain.nii.gz").write_bytes(b"\0\5\x16\7 of macOS")
    return folder


def write_cases(folder, cases):
    """An MSD layout without dataset.json."""
    for kind in ("imagesTr", "labelsTr"):
        (folder / kind).mkdir(parents=True)
    for name, files in cases.items():
        for kind, data in zip(("imagesTr", "labelsTr"), files, strict=True):
            if data is not None:
                (folder / kind / f"{name}.nii.gz").write_bytes(data)
    return folder


def build(source, out, **options):
    """Build as the command does; the manifest, and what was logged."""
    result = build_shards(BuildShards(source=source, out=str(out), **{**SLICES, **options}))
    return Manifest.from_json((out / "manifest.json").read_bytes(), where="out"), result


@pytest.fixture(scope="module")
def built(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("quirks") / "out"
    manifest, result = build(source, out)
    return out, manifest, result


@pytest.fixture(scope="module")
def findings(source):
    result = check(Check(source=source, **SLICES))
    by_level = {"fatal": {}, "warning": {}, "note": {}}
    for finding in result["findings"]:
        by_level[finding["level"]].setdefault(finding["case"], []).append(finding["message"])
    return by_level


def slices_of(out, case):
    """Images and masks of a case, each (n, 16, 16)."""
    members = {}
    with tarfile.open(out / "cases" / f"{case}.tar") as tar:
        for member in tar:
            key, extension = member.name.split(".", 1)
            members.setdefault(key, {})[extension] = tar.extractfile(member).read()
    records = [decode(parts) for parts in members.values()]
    return np.stack([r.image for r in records]), np.stack([r.mask for r in records])


@pytest.mark.parametrize("case", FINE)
def test_what_means_the_same_scan_gives_the_same_slices(built, case):
    out, manifest, _ = built
    assert case in manifest.cases
    for ours, plain in zip(slices_of(out, case), slices_of(out, "plain"), strict=True):
        assert np.array_equal(ours, plain)


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_broken_is_rejected_with_its_reason_and_leaves_no_shard(built, case):
    out, manifest, result = built
    assert REFUSED[case][2] in manifest.rejected[case]
    assert case not in manifest.cases
    assert not list(out.rglob(f"*{case}.*"))
    assert result["exit_code"] == 1


def content_of(packed):
    """What a gzip file holds; None when it is damaged."""
    try:
        return gzip.decompress(packed)
    except (OSError, EOFError, zlib.error):
        return None


def damaged(packed, rng):
    """A gzip file cut at a random place, or with one random bit the other way round.

    A bit that changes nothing of the content, as some do in a row of zeros, is no damage.
    """
    while True:
        changed = bytearray(packed)
        if rng.random() < 0.5:
            del changed[rng.integers(len(packed)) :]
        else:
            changed[rng.integers(len(packed))] ^= 1 << rng.integers(8)
        if content_of(changed) != content_of(packed):
            return bytes(changed)


def test_of_200_damaged_scans_and_masks_none_is_built(tmp_path):
    rng = np.random.default_rng(1)
    cases = {"fine": (IMAGE, LABEL)}
    for number in range(100):
        cases[f"image_{number:03d}"] = damaged(IMAGE, rng), LABEL
        cases[f"label_{number:03d}"] = IMAGE, damaged(LABEL, rng)
    manifest, _ = build(write_cases(tmp_path / "source", cases), tmp_path / "out")
    assert list(manifest.cases) == ["fine"]
    assert len(manifest.rejected) == 200
    assert [path.name for path in (tmp_path / "out/cases").iterdir()] == ["fine.tar"]


def test_every_case_is_one_shard_or_one_reason(built):
    out, manifest, _ = built
    assert set(manifest.cases) == set(FINE) | set(OTHER)
    assert set(manifest.rejected) == set(REFUSED)
    names = {path.name.removesuffix(".tar") for path in (out / "cases").iterdir()}
    assert names == set(manifest.cases)


@pytest.mark.parametrize("case", REFUSED)
def test_check_refuses_what_the_build_refuses_with_the_same_words(findings, case):
    assert any(REFUSED[case][2] in message for message in findings["fatal"][case])


def test_check_refuses_nothing_else(findings):
    assert set(findings["fatal"]) == set(REFUSED)


@pytest.mark.parametrize(("case", "value"), [("padding_3024", -3024), ("padding_2048", -2048)])
def test_padding_is_clipped_and_its_share_counted(built, case, value):
    out, manifest, _ = built
    assert slices_of(out, case)[0].min() == -1000
    assert manifest.cases[case].measures["share_below_-1024_hu"] == round(3 / SHAPE[0], 6)
    assert manifest.cases[case].measures["lowest_hu"] == value


def test_slope_and_intercept_apply(built):
    scaled, even = (slices_of(built[0], case)[0] for case in ("slope_and_intercept", "even"))
    assert np.array_equal(scaled, even)


def test_a_label_lies_where_its_affine_says_and_not_where_its_array_does(built):
    _, masks = slices_of(built[0], "label_affine_mirrored")
    _, plain = slices_of(built[0], "plain")
    centers = [np.argwhere(mask).mean(axis=0) for mask in (masks, plain)]
    assert centers[0][2] + centers[1][2] == pytest.approx(15, abs=1)
    assert centers[0][:2] == pytest.approx(centers[1][:2], abs=0.1)


def test_a_label_off_by_less_than_half_a_voxel_is_built_and_warned_of(built, findings):
    (warning,) = built[1].cases["label_a_fifth_off"].warnings
    assert "up to 0.2 voxels away" in warning
    assert warning in findings["warning"]["label_a_fifth_off"]
    assert built[1].cases["label_a_hundredth_off"].warnings == ()


def test_the_angle_of_skewed_axes_is_in_the_manifest(built):
    out, manifest, _ = built
    assert manifest.cases["skewed"].measures["axes_off_degrees"] == pytest.approx(3, abs=0.2)
    assert "off a right angle" in manifest.cases["skewed"].warnings[0]
    assert np.array_equal(slices_of(out, "skewed")[0], slices_of(out, "plain")[0])


def test_what_must_be_read_whole_is_said_in_the_manifest_and_by_check(built, findings):
    said = {
        name: [what.split(":")[0] for what in entry.warnings if "read whole into memory" in what]
        for name, entry in built[1].cases.items()
    }
    assert {name: whole for name, whole in said.items() if whole} == {
        "label_stored_flipped": ["the label is stored as RAI, its scan as LPS"],
        "permuted_both": ["stored as SAL", "the label is stored as ASR, its scan as SAL"],
        "permuted_pir": ["stored as PIR"],
    }
    for name, entry in built[1].cases.items():
        assert set(entry.warnings) <= set(findings["warning"].get(name, []))


def test_an_empty_label_is_a_note(built, findings):
    assert built[1].cases["label_empty"].tumor_slices == 0
    assert findings["note"] == {"label_empty": ["the label marks no tumor"]}


def test_scans_with_equal_voxels_are_warned_of(findings):
    (warning,) = findings["warning"]["nifti_2"]
    assert "has the voxels of big_endian" in warning


def test_skip_makes_the_exit_code_0_and_files_of_macos_are_counted(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    source = write_cases(tmp_path / "s", {"plain": FINE["plain"], "nan": REFUSED["nan"][:2]})
    (source / "imagesTr" / "._plain.nii.gz").write_bytes(b"\0\5\x16\7 of macOS")
    manifest, result = build(source, tmp_path / "out", on_error="skip")
    assert result["exit_code"] == 0
    assert (list(manifest.cases), list(manifest.rejected)) == (["plain"], ["nan"])
    assert "ignored 1 file of macOS (._*)" in caplog.text


def test_a_listed_image_that_is_missing_is_rejected_by_name(tmp_path):
    write_cases(tmp_path / "s", {"a": FINE["plain"], "b": (None, LABEL)})
    pairs = [
        f'{{"image": "imagesTr/{name}.nii.gz", "label": "labelsTr/{name}.nii.gz"}}' for name in "ab"
    ]
    (tmp_path / "s" / "dataset.json").write_text(f'{{"training": [{", ".join(pairs)}]}}')
    manifest, result = build(tmp_path / "s", tmp_path / "out")
    assert list(manifest.cases) == ["a"]
    assert "restore it, or take the case out" in manifest.rejected["b"]
    assert result["exit_code"] == 1


@pytest.fixture(scope="module")
def accepting(source, tmp_path_factory):
    """A build with all the options that accept what is refused by default."""
    out = tmp_path_factory.mktemp("quirks") / "accepting"
    options = {name: value for given in ACCEPTED.values() for name, value in given.items()}
    manifest, _ = build(source, out, **options)
    return out, manifest


@pytest.mark.parametrize("case", ACCEPTED)
def test_options_accept_what_is_refused_by_default(accepting, case):
    out, manifest = accepting
    assert case in manifest.cases
    _, masks = slices_of(out, case)
    expected = slices_of(out, "plain")[1][: len(masks)]
    assert np.array_equal(masks, expected)


@pytest.mark.parametrize("case", ["label_0_6", "label_nan"])
def test_no_option_makes_a_label_of_what_is_no_whole_number(accepting, case):
    assert REFUSED[case][2] in accepting[1].rejected[case]


def test_filled_voxels_are_those_without_a_number(accepting, built):
    (said, *_) = accepting[1].cases["nan"].warnings
    assert said == "1 voxel without a number (NaN, infinite) given -1000 HU"
    images = slices_of(accepting[0], "nan")[0]
    plain = slices_of(accepting[0], "plain")[0]
    assert images[5].astype(int).sum() < plain[5].astype(int).sum()
    assert np.array_equal(np.delete(images, 5, 0), np.delete(plain, 5, 0))
    assert len(images) == len(slices_of(built[0], "plain")[0]) + 2


def build_or_die(task):
    """Build a case, unless it is the one that is fatal to its worker."""
    if task.case.name == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    return build_case(task)


def test_a_case_that_kills_its_worker_is_rejected_and_the_others_built(tmp_path, monkeypatch):
    monkeypatch.setattr(ingest.job.engines, "build_case", build_or_die)
    source = write_cases(tmp_path / "s", dict.fromkeys(("a", "deadly", "z"), FINE["plain"]))
    manifest, _ = build(source, tmp_path / "out")
    assert "was killed (SIGKILL, as when memory runs out), twice" in manifest.rejected["deadly"]
    assert list(manifest.cases) == ["a", "z"]


@pytest.mark.parametrize("signed", [False, True])
def test_the_scan_as_dicom_gives_the_slices_of_its_nifti(built, tmp_path, write_series, signed):
    from ingest.recipe import Recipe
    from ingest.slices.scan_slices import load_scan

    write_series(tmp_path, HU, AFFINE, signed=signed)
    images = load_scan(tmp_path, Recipe(size=16, drop_slices=2)).images
    assert np.array_equal(images, slices_of(built[0], "plain")[0])
