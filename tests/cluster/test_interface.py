"""Gloo listens where other nodes reach this one, whatever the host's name means."""

import os

import pytest

from cluster import interface
from cluster.interface import interface_of, listen_where, listen_where_others_reach

ADDRESSES = {"127.0.0.1": "lo", "10.1.2.3": "eth7", "172.17.0.1": "docker0"}


@pytest.fixture
def listens(monkeypatch):
    """Function: what the host's name means, its addresses towards others -> gloo's interface."""

    def found(means, ways):
        monkeypatch.delenv("GLOO_SOCKET_IFNAME", raising=False)
        monkeypatch.setattr(interface, "_address_of_name", lambda _: means)
        monkeypatch.setattr(interface, "_own_address", lambda towards: ways.get(towards, ""))
        monkeypatch.setattr(interface, "_addresses", lambda: ADDRESSES)
        listen_where_others_reach("first")
        return os.environ.get("GLOO_SOCKET_IFNAME")

    return found


def test_the_interface_of_an_address():
    assert interface_of("127.0.0.1") == "lo"
    assert interface_of("192.0.2.254") == ""


def test_a_name_that_others_reach_is_left_to_gloo(listens):
    assert listens("10.1.2.3", {}) is None


@pytest.mark.parametrize("means", ["127.0.1.1", "127.0.0.1", ""])
def test_else_it_is_the_way_to_the_first_node_or_out_or_any_that_is_no_loopback(listens, means):
    assert listens(means, {"first": "172.17.0.1"}) == "docker0"
    assert listens(means, {"first": "127.0.1.1", "192.0.2.1": "172.17.0.1"}) == "docker0"
    assert listens(means, {"first": "127.0.1.1"}) == "eth7"


def test_what_the_user_said_stays(monkeypatch):
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "ib0")
    listen_where("127.0.0.1")
    assert os.environ["GLOO_SOCKET_IFNAME"] == "ib0"


def test_the_own_address_towards_a_node_is_one_of_this_one():
    assert interface._own_address("127.0.0.1") == "127.0.0.1"
    assert interface._address_of_name("localhost").startswith("127.")
