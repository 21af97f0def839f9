"""Several hosts on one machine: each with a network, processes, a name and /tmp of its own."""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.waiting import wait_until

OPEN = {"RAY_AUTH_MODE": "disabled"}

_COUNT = itertools.count()
_RAY = Path(sys.executable).with_name("ray")
_TOOLS = ("ip", "unshare", "nsenter", "mount")

# On a busy machine a head may have to be started more than once
_AWAIT = """
from cluster.await_nodes import await_nodes
assert len(await_nodes("{address}", {count}, wait_s=400)) == {count}
"""

# A host's first process: what the host alone has, then it waits to be killed with all that it runs
_BOOT = """
hostname {name}
mount -t tmpfs host /run && mkdir -p /run/tmp
mount -t tmpfs host /dev/shm
mount --bind {folder}/hosts /etc/hosts
ip link set lo up
echo ready > {folder}/{name}.ready
while true; do sleep 1000; done
"""


def missing() -> str:
    """Why such hosts cannot be made here; empty where they can."""
    if os.geteuid() != 0:
        return "hosts with networks of their own need root"
    absent = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if absent:
        return f"hosts with networks of their own need {', '.join(absent)}"
    tried = subprocess.run(
        ["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "true"],
        capture_output=True,
        check=False,
    )
    return "" if tried.returncode == 0 else "this machine allows no namespaces"


class Hosts:
    """Hosts `h1`, `h2`, ... that reach each other by name through one switch.

    Attributes:
        names: Names of the hosts.
        addresses: Their addresses, by name.
    """

    def __init__(self, folder: Path, count: int):
        self._folder = folder
        self._lab = f"lab{os.getpid() % 10000}-{next(_COUNT)}"
        self.names = [f"h{number}" for number in range(1, count + 1)]
        self.addresses = {name: f"10.77.0.{place}" for place, name in enumerate(self.names, 1)}
        self._first: dict[str, subprocess.Popen] = {}
        self._started: list[subprocess.Popen] = []

    def __enter__(self) -> "Hosts":
        lines = [f"{address} {name}" for name, address in self.addresses.items()]
        (self._folder / "hosts").write_text("\n".join(["127.0.0.1 localhost", *lines]) + "\n")
        self._ip("netns", "add", self._lab)
        self._ip("-n", self._lab, "link", "add", "switch", "type", "bridge")
        self._ip("-n", self._lab, "link", "set", "switch", "up")
        for name in self.names:
            self._add(name)
        return self

    def __exit__(self, *_: object) -> None:
        for name in self.names:
            self.kill(name)
        for process in self._started:
            process.wait(timeout=120)
        with contextlib.suppress(subprocess.CalledProcessError):
            self._ip("netns", "del", self._lab)

    def start(
        self, name: str, words: Sequence[object], *, log: Path, environment: dict | None = None
    ) -> subprocess.Popen:
        """Start a command on a host; what it says goes to a file."""
        pid = str(self._children(self._first[name].pid)[0])
        inside = ["nsenter", "--target", pid, "--net", "--mount", "--uts", "--pid"]
        with log.open("wb") as said:
            process = subprocess.Popen(
                [*inside, f"--wd={Path.cwd()}", *map(str, words)],
                env=os.environ
                | {"RAY_TMPDIR": "/run/tmp", "TMPDIR": "/run/tmp"}
                | (environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        self._started.append(process)
        return process

    def cable(self, name: str, state: str) -> None:
        """Pull a host's cable (`down`) or put it back (`up`)."""
        self._ip("-n", self._lab, "link", "set", f"to-{name}", state)

    def kill(self, name: str) -> None:
        """End a host and all its processes at once, as a power cut does."""
        first = self._first.pop(name, None)
        if first is None:
            return
        for pid in self._children(first.pid):
            os.kill(pid, signal.SIGKILL)
        first.kill()
        first.wait(timeout=120)

    def _add(self, name: str) -> None:
        boot = _BOOT.format(name=name, folder=self._folder)
        spaces = ["--net", "--mount", "--uts", "--pid", "--fork", "--mount-proc"]
        self._first[name] = first = subprocess.Popen(
            ["unshare", *spaces, "bash", "-c", boot], stdin=subprocess.DEVNULL
        )
        wait_until((self._folder / f"{name}.ready").exists, "a host is up", during=first)
        pid = str(self._children(first.pid)[0])
        self._ip("-n", self._lab, "link", "add", f"to-{name}", "type", "veth", "peer", "name", name)
        self._ip("-n", self._lab, "link", "set", name, "netns", pid)
        self._ip("-n", self._lab, "link", "set", f"to-{name}", "master", "switch", "up")
        net = ["nsenter", "--target", pid, "--net", "ip"]
        address = f"{self.addresses[name]}/24"
        subprocess.run([*net, "address", "add", address, "dev", name], check=True)
        subprocess.run([*net, "link", "set", name, "up"], check=True)

    @staticmethod
    def _children(pid: int) -> list[int]:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(child) for child in text.split()]

    @staticmethod
    def _ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, timeout=200, capture_output=True)


@contextlib.contextmanager
def ray_hosts(folder: Path, count: int, head: str) -> Iterator[tuple[Hosts, str]]:
    """Hosts with a Ray cluster: the first is its head and works not, the others have a processor.

    Args:
        folder: For what the hosts say.
        count: Hosts, the head included.
        head: Text of the head's system configuration.

    Yields:
        The hosts and the cluster's address. Ray that ends on one of them is started again.
    """
    with Hosts(folder, count) as hosts:
        address = f"{hosts.addresses['h1']}:6379"
        common = "--block --disable-usage-stats --object-store-memory=100000000"
        for name in hosts.names:
            where = f"--node-ip-address={hosts.addresses[name]} {common}"
            start = f"{_RAY} start --address={address} --num-cpus=1 {where}"
            if name == "h1":
                start = (
                    f"{_RAY} start --head --port=6379 --num-cpus=0 --include-dashboard=false "
                    f'--system-config="$SYSTEM" {where}'
                )
            words = ["bash", "-c", f"while true; do {start}; sleep 1; done"]
            log = folder / f"{name}.log"
            hosts.start(name, words, log=log, environment={"SYSTEM": head, **OPEN})
        waiting = [sys.executable, "-c", _AWAIT.format(address=address, count=count)]
        waited = hosts.start("h1", waiting, log=folder / "waited.log", environment=OPEN)
        assert waited.wait(timeout=500) == 0, _said(folder)
        yield hosts, address


def _said(folder: Path) -> str:
    return "\n".join(f"{log.name}: {log.read_text()[-3000:]}" for log in folder.glob("*.log"))
