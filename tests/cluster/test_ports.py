"""A port that is found free stays so until its process listens, whoever connects meanwhile."""

import socket

from cluster import ports
from cluster.ports import free_port


def given_range(monkeypatch, tmp_path, text):
    (tmp_path / "range").write_text(text)
    monkeypatch.setattr(ports, "_RANGE", tmp_path / "range")


def test_no_connection_to_elsewhere_is_given_a_free_port():
    first = int(ports._RANGE.read_text().split()[0])
    assert {free_port() < first for _ in range(20)} == {first > 20_000}


def test_a_port_at_which_somebody_listens_is_not_free(monkeypatch, tmp_path):
    port = free_port()
    monkeypatch.setattr(ports, "_LOWEST", port)
    given_range(monkeypatch, tmp_path, f"{port + 1}\t60999\n")
    assert free_port() == port
    with socket.create_server(("", port)):
        assert free_port() != port


def test_where_connections_take_all_ports_it_is_any(monkeypatch, tmp_path):
    given_range(monkeypatch, tmp_path, "1024\t65535\n")
    assert free_port() >= 1024


def test_the_seed_of_a_training_does_not_choose_it(monkeypatch):
    import random

    chosen = []
    for _ in range(4):
        random.seed(0)
        chosen.append(free_port())
    assert len(set(chosen)) > 1
