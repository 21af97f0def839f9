"""The network interface by which other nodes reach this one.

Gloo, by which ranks on GPUs talk too, listens by itself at what this host's name means: on Debian
often 127.0.1.1, which no other node reaches.
"""

import contextlib
import fcntl
import os
import socket
import struct

_ADDRESS_OF_INTERFACE = 0x8915  # SIOCGIFADDR of Linux
_VARIABLE = "GLOO_SOCKET_IFNAME"
_ELSEWHERE = "192.0.2.1"  # an address that is nobody's (RFC 5737); nothing is sent to it


def listen_where(address: str) -> None:
    """Have gloo listen at an address of this node, unless the user has said where."""
    interface = interface_of(address)
    if interface:
        os.environ.setdefault(_VARIABLE, interface)


def listen_where_others_reach(first: str) -> None:
    """Have gloo listen where other nodes reach this one, if its name means what they do not reach.

    Args:
        first: Name or address of the node of rank 0.
    """
    if _is_reached(_address_of_name(socket.gethostname())):
        return
    found = filter(_is_reached, (_own_address(first), _own_address(_ELSEWHERE), *_addresses()))
    listen_where(next(found, ""))


def interface_of(address: str) -> str:
    """The network interface that has an address; empty where none is found."""
    return _addresses().get(address, "")


def _addresses() -> dict[str, str]:
    """The addresses of this node, and the interface of each."""
    found = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            with contextlib.suppress(OSError):
                answer = fcntl.ioctl(door, _ADDRESS_OF_INTERFACE, request)
                found[socket.inet_ntoa(answer[20:24])] = name
    return found


def _own_address(towards: str) -> str:
    """This node's address on the way to another; empty where there is no way."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        try:
            door.connect((towards, 9))
        except OSError:
            return ""
        return str(door.getsockname()[0])


def _address_of_name(name: str) -> str:
    try:
        return socket.gethostbyname(name)
    except OSError:
        return ""


def _is_reached(address: str) -> bool:
    return bool(address) and not address.startswith("127.")
