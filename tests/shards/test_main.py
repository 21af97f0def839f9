"""`python -m shards` as a user types it: info and verify, for people and as JSON."""

import json
import subprocess
import sys

import pytest


def shards(*words):
    return subprocess.run(
        [sys.executable, "-m", "shards", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_info_shows_a_table_to_people(shard_folder):
    done = shards("info", "--shards", shard_folder)
    rows = {line[:8].strip(): line[8:].split() for line in done.stdout.splitlines()}
    assert rows["fold 0"][:3] == ["2", "8", "2"]
    assert rows["all"][:5] == ["3", "12", "3", "25.0", "%"]
    assert "folds: by an earlier version; 3 patients\n" in done.stdout
    assert "rejected z: no mask" in done.stdout


def test_verify_finds_a_whole_set_whole(shard_folder):
    done = shards("verify", "--shards", shard_folder)
    assert done.returncode == 0
    assert done.stdout.endswith("3 cases, 12 slices, 39,936 bytes: all whole\n")


def test_verify_lists_all_damage_and_what_to_do(shard_folder):
    (shard_folder / "cases" / "a.tar").unlink()
    (shard_folder / "cases" / "mine.txt").write_text("keep me")
    data = bytearray((shard_folder / "cases" / "c.tar").read_bytes())
    data[1000] ^= 1
    data[-2000] ^= 1
    (shard_folder / "cases" / "c.tar").write_bytes(data)
    done = shards("verify", "--shards", shard_folder)
    assert done.returncode == 1
    a, c, foreign, verdict = done.stdout.splitlines()
    assert a.startswith("cases/a.tar is absent: ")
    assert "cases/c.tar" in c
    assert "at c-0000, c-0003:" in c
    assert "delete it" in c
    assert "build-shards" in c
    assert foreign.startswith("cases/mine.txt is foreign")
    assert verdict.endswith("2 damaged")


@pytest.mark.parametrize("command", ["info", "verify"])
def test_a_url_is_looked_into_without_a_cache(shard_folder, serve, tmp_path, monkeypatch, command):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    done = shards(command, "--shards", serve(shard_folder).url, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["slices"] == 12
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("command", ["info", "verify"])
def test_what_is_no_shard_set_ends_in_one_line(tmp_path, command):
    done = shards(command, "--shards", tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "empty folder" in done.stderr
    assert "build-shards" in done.stderr


def test_starting_does_not_import_torch(shard_folder):
    code = (
        "import sys, shards.__main__ as main\n"
        f"main.info({str(shard_folder)!r}), main.verify({str(shard_folder)!r})\n"
        "print({'torch', 'webdataset', 'fsspec', 'ray'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
