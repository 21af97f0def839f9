"""What is said of a set is what its manifest and its files say."""

import pytest

from shards.errors import ShardError
from shards.info import info, show_info
from shards.storage.store import open_shards


def test_info_counts_what_the_manifest_holds(shard_folder):
    found = info(str(shard_folder))
    assert (found["cases"], found["slices"], found["tumor_slices"]) == (3, 12, 3)
    assert found["tumor_share"] == 0.25
    assert found["bytes"] == sum(path.stat().st_size for path in shard_folder.glob("cases/*"))
    assert [(fold["fold"], fold["cases"], fold["slices"]) for fold in found["folds"]] == [
        (0, 2, 8),
        (1, 1, 4),
    ]
    assert (found["folds_from"], found["patients"], found["patients_from"]) == ("", 3, "")
    assert found["rejected"] == {"z": "no mask"}
    assert found["recipe"]["clip"] == [-1000, 3071]


def test_counts_are_those_of_the_index_and_folds_add_up_to_all(tmp_path, write_set):
    def tumor(case, z):
        return (ord(case) + z) % 5 < 2

    write_set(tmp_path / "set", cases="abcdefg", num_slices=9, tumor=tumor)
    found, index = info(str(tmp_path / "set")), open_shards(tmp_path / "set").index
    assert found["slices"] == len(index.z)
    assert found["tumor_slices"] == index.tumor.sum()
    assert found["tumor_share"] == round(float(index.tumor.mean()), 4)
    assert found["tumor_voxels_dropped"] == 7  # one in each case
    for name in ("cases", "slices", "tumor_slices", "bytes"):
        assert sum(fold[name] for fold in found["folds"]) == found[name]


@pytest.mark.parametrize("compress", [False, True])
def test_people_are_told_what_json_holds(tmp_path, write_set, compress):
    write_set(tmp_path / "set", compress=compress)
    found = info(str(tmp_path / "set"))
    text = show_info(found)
    rows = {line[:8].strip(): line[8:].split() for line in text.splitlines()}
    for name, sums in [
        ("fold 0", found["folds"][0]),
        ("fold 1", found["folds"][1]),
        ("all", found),
    ]:
        assert rows[name][:3] == [str(sums[key]) for key in ("cases", "slices", "tumor_slices")]
        assert float(rows[name][3]) == pytest.approx(100 * sums["tumor_share"], abs=0.05)
        assert float(rows[name][5]) == pytest.approx(sums["bytes"] / 1e6, abs=0.05)
    assert f"8 x 8 slices, {'gzipped' if compress else 'plain'}" in text
    assert "tumor voxels in dropped slices: 3" in text
    assert "rejected z: no mask" in text
    assert f"size {found['recipe']['size']}" in text


def test_who_the_patients_are_by_and_what_was_odd_is_said(shard_folder):
    found = info(str(shard_folder))
    assert "3 patients\n" in show_info(found)
    told = found | {"patients_from": "pattern ^a", "folds_from": "seed 7"}
    told["warnings"] = {"a": ["dark", "tilted"]}
    text = show_info(told)
    assert "folds: by seed 7; 3 patients (by pattern ^a)" in text
    assert text.endswith("warning a: dark\nwarning a: tilted")


def test_no_shard_is_opened_and_a_set_that_is_none_is_refused(shard_folder):
    for path in (*shard_folder.glob("cases/*"), shard_folder / "index.parquet"):
        path.unlink()
    assert info(str(shard_folder))["cases"] == 3
    with pytest.raises(ShardError, match="holds no manifest"):
        info(str(shard_folder / "cases" / ".." / ".."))
