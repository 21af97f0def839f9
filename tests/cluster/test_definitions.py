"""The definitions that people copy hold together: checked by the tools that will read them."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

import tune.search
from shards.console.command import parse

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "cluster"
BIN = Path(sys.executable).parent
SCRIPTS = [CLUSTER / "slurm" / "ray.sbatch", CLUSTER / "local" / "several-nodes"]
FILES = sorted(path for path in CLUSTER.rglob("*") if path.suffix in {".yaml", ".sbatch", ".md"})
FILES.append(CLUSTER / "local" / "several-nodes")


KUBERAY = json.loads((Path(__file__).parent / "kuberay.json").read_text())  # scripts/kuberay-schema
MANIFESTS = {path.stem: path for path in (CLUSTER / "kuberay").glob("*.yaml")}


def manifest(name):
    return yaml.safe_load(MANIFESTS[name].read_text())


def cluster_of(name):
    spec = manifest(name)["spec"]
    return spec.get("rayClusterSpec", spec)


def check_by_kuberay(given):
    jsonschema.validate(given, KUBERAY["kinds"][given["kind"]] | {"$defs": KUBERAY["$defs"]})


@pytest.mark.parametrize("name", MANIFESTS)
def test_manifests_are_what_kuberay_takes(name):
    check_by_kuberay(manifest(name))


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_misspelt_field_is_refused_however_deep(name):
    wrong = manifest(name)
    group = wrong["spec"].get("rayClusterSpec", wrong["spec"])["workerGroupSpecs"][0]
    group["template"]["spec"]["containers"][0]["volumeMount"] = []
    with pytest.raises(jsonschema.ValidationError, match="'volumeMount' was unexpected"):
        check_by_kuberay(wrong)


@pytest.mark.parametrize("name", MANIFESTS)
def test_every_mount_of_a_manifest_has_its_volume(name):
    spec = cluster_of(name)
    for group in [spec["headGroupSpec"], *spec["workerGroupSpecs"]]:
        pod = group["template"]["spec"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in pod["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} == volumes


def test_ray_version_is_the_one_that_is_installed_everywhere():
    version = re.search(r"^ray==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)[1]
    assert {cluster_of(name)["rayVersion"] for name in MANIFESTS} == {version}


@pytest.mark.parametrize("name", ["aws", "gcp", "onprem"])
def test_ray_up_takes_its_files(name):
    """In a process of its own: importing the autoscaler warns."""
    check = (
        "import sys, yaml; "
        "from ray.autoscaler._private.util import prepare_config, validate_config; "
        "validate_config(prepare_config(yaml.safe_load(open(sys.argv[1]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", check, CLUSTER / "ray-up" / f"{name}.yaml"],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def commands(text):
    """Each `python -m tune.search ...` of a document, as words."""
    joined = re.sub(r"\\\n[#\s]*", " ", text)
    for found in re.findall(r"(?:python -m|ray\.sbatch) tune\.search ([^'\n`]*--[^'\n`]*)", joined):
        yield shlex.split(found)


def test_every_search_command_is_one_that_the_program_takes():
    found = [words for path in FILES for words in commands(path.read_text())]
    found.append(shlex.split(manifest("rayjob")["spec"]["entrypoint"])[3:])
    assert len(found) >= 8
    for words in found:
        options = parse(tune.search.SearchOptions, words, prog="x", description="")
        assert options.address in ("auto", None)  # None: ray.sbatch adds it


def test_every_head_misses_a_vanished_node_soon():
    """What the head is told reaches all nodes, see test_fanout.py."""
    heads = [
        line
        for path in FILES
        for line in re.sub(r"\\\n\s*", "", path.read_text()).splitlines()
        if re.search(r"ray start --head --", line)
    ]
    assert len(heads) >= 5
    for line in heads:
        assert re.search(r'--system-config="\$\(cat \S*cluster/head\.json\)"', line), line
    for name in MANIFESTS:
        params = cluster_of(name)["headGroupSpec"]["rayStartParams"]
        assert params["system-config"] == '"$(cat /opt/lungseg/cluster/head.json)"'
    assert "WORKDIR /opt/lungseg\n" in (CLUSTER / "Dockerfile").read_text()
    config = json.loads((CLUSTER / "head.json").read_text())
    unseen = config["health_check_period_ms"] + config["health_check_timeout_ms"]
    assert unseen * config["health_check_failure_threshold"] <= 20_000
    for kind in ("grpc_keepalive", "grpc_client_keepalive"):
        assert config[f"{kind}_time_ms"] + config[f"{kind}_timeout_ms"] <= 20_000


def test_image_has_every_package_of_ours():
    dockerfile = (CLUSTER / "Dockerfile").read_text()
    for package in ("shards", "cluster", "ingest", "lungseg", "tune"):
        assert f"COPY {package} {package}" in dockerfile


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_pass_shellcheck(script):
    done = subprocess.run(
        [BIN / "shellcheck", script], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_image_passes_its_linter():
    done = subprocess.run(
        [BIN / "hadolint", "--config", CLUSTER / "hadolint.yaml", CLUSTER / "Dockerfile"],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout
