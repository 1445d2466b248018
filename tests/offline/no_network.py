"""No test leaves this machine: what would reach another one is refused.

An audit hook sees what a patched ``connect`` misses: sockets made from C, every look-up of a name, threads, asyncio. It
cannot be taken out again, so fixtures of any scope are held too. ``sitecustomize.py`` beside this file puts it into
every Python that a test starts, since ``python_path`` puts this folder first on its path.
Programs that are no Python (a browser, git) and extensions that open sockets of their own are beyond it.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import socket
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
_ADDRESSES = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_NAMES = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"}
# Files, and messages of this kernel: nothing else can be reached through them.
_INSIDE = {getattr(socket, name) for name in ("AF_UNIX", "AF_NETLINK", "AF_ALG") if hasattr(socket, name)}
refused: list[str] = []
_LET_OUT = "TESTS_MAY_LEAVE"  # in the environment, so that what a nightly test starts may leave, too
_open = _LET_OUT in os.environ


class Refused(RuntimeError):
    """A test tried to reach another machine."""


def python_path(*folders: object) -> str:
    """Return a PYTHONPATH for a process that a test starts: the guard first, then what the test needs."""
    return os.pathsep.join([FOLDER, *map(str, folders)])


def let_out(whether: bool) -> None:
    """Open the network for a nightly test, or close it again."""
    global _open
    _open = whether
    os.environ.pop(_LET_OUT, None)
    if whether:
        os.environ[_LET_OUT] = "1"


def account() -> None:
    """Raise for what was refused since the last call, even where what was called swallowed the refusal."""
    said = "; ".join(refused)
    refused.clear()
    if said:
        raise Refused(f"tests use no network, and this one tried: {said}")


def is_local(host: object) -> bool:
    """Say whether a host, by name or number, is this machine; no host at all is."""
    host = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else host
    if host in (None, "", "localhost", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check(event: str, host: object) -> None:
    if not is_local(host) and not _open:
        refused.append(f"{event} {host}")
        raise Refused(f"a test tried to reach {host} ({event}); tests use no network")


def _check_address(event: str, end: socket.socket, address: object) -> None:
    if address is not None and end.family not in _INSIDE:  # None: a socket that is connected already
        _check(event, address[0] if isinstance(address, tuple) else address)


def _guard(event: str, args: tuple) -> None:
    if event in _NAMES:
        host = args[0]
        _check(event, host[0] if isinstance(host, tuple) else host)
    elif event in _ADDRESSES:
        _check_address(event, args[0], args[1])


def _before_lookup(name: str) -> None:
    """Have a method of sockets checked before it is called: its audit event comes after the look-up of a name."""
    inner = getattr(socket.socket, name)

    @functools.wraps(inner)
    def method(self, *args):
        _check_address(f"socket.{name}", self, next((given for given in args if isinstance(given, tuple)), None))
        return inner(self, *args)

    setattr(socket.socket, name, method)


def _started(event: str, args: tuple) -> None:
    if event != "subprocess.Popen" or _open:
        return
    program, words, _, environment = args
    if environment is None or not os.path.basename(os.fsdecode(program)).startswith("python"):
        return
    if FOLDER not in dict(environment).get("PYTHONPATH", "").split(os.pathsep):
        raise Refused(f"a test starts Python with a PYTHONPATH without the guard: see python_path ({words!r:.200})")


def watch_children() -> None:
    """Refuse, from now on, to start a Python without the guard; what that one starts is its own affair (venv, say)."""
    sys.addaudithook(_started)


sys.addaudithook(_guard)
for _name in ("connect", "connect_ex", "sendto", "sendmsg"):
    _before_lookup(_name)
