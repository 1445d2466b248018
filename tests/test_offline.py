"""The tests use no network: every way out is refused, in a test and in what it starts; this machine stays reachable."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import no_network
import pytest
from no_network import FOLDER, Refused, python_path

FAR, FAR6 = ("192.0.2.1", 9), ("2001:db8::1", 9, 0, 0)  # set aside for documentation: nobody answers there
ROOT = Path(__file__).resolve().parent.parent


def udp(family=socket.AF_INET):
    return socket.socket(family, socket.SOCK_DGRAM)


async def opened(host: str):
    await asyncio.open_connection(host, 9)


async def datagrams(address):
    await asyncio.get_running_loop().create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=address)


def in_a_thread():
    with ThreadPoolExecutor(1) as pool:
        pool.submit(socket.create_connection, FAR, 1).result()


def in_a_process():
    with get_context("spawn").Pool(1) as pool:
        pool.apply(socket.create_connection, (FAR, 1))


WAYS_OUT = {
    "connect": lambda: socket.socket().connect(FAR),
    "connect_ex": lambda: socket.socket().connect_ex(FAR),
    "connect over IPv6": lambda: socket.socket(socket.AF_INET6).connect(FAR6),
    "connect of the C type": lambda: super(socket.socket, socket.socket()).connect(FAR),
    "create_connection": lambda: socket.create_connection(FAR, 1),
    "sendto": lambda: udp().sendto(b"x", FAR),
    "sendto over IPv6": lambda: udp(socket.AF_INET6).sendto(b"x", FAR6),
    "sendmsg": lambda: udp().sendmsg([b"x"], [], 0, FAR),
    "connect of a datagram socket": lambda: udp().connect(FAR),
    "a name in connect": lambda: socket.socket().connect(("example.org", 9)),
    "a name in sendto": lambda: udp().sendto(b"x", 0, ("example.org", 9)),
    "getaddrinfo": lambda: socket.getaddrinfo("example.org", 80),
    "getaddrinfo of bytes": lambda: socket.getaddrinfo(b"example.org", 80),
    "gethostbyname": lambda: socket.gethostbyname("example.org"),
    "gethostbyname_ex": lambda: socket.gethostbyname_ex("example.org"),
    "gethostbyaddr": lambda: socket.gethostbyaddr(FAR[0]),
    "getnameinfo": lambda: socket.getnameinfo(FAR, 0),
    "urlopen": lambda: urllib.request.urlopen("http://example.org"),
    "asyncio to a name": lambda: asyncio.run(opened("example.org")),
    "asyncio to an address": lambda: asyncio.run(opened(FAR[0])),
    "asyncio over IPv6": lambda: asyncio.run(opened(FAR6[0])),
    "asyncio with datagrams": lambda: asyncio.run(datagrams(FAR)),
    "a thread": in_a_thread,
    "a spawned process": in_a_process,
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_every_way_out_is_refused(way):
    with pytest.raises(Refused, match="tests use no network"):
        WAYS_OUT[way]()
    assert no_network.refused or "process" in way
    no_network.refused.clear()


def test_a_refusal_that_is_swallowed_is_told_at_the_end_of_its_test():
    with contextlib.suppress(Refused):
        socket.getaddrinfo("example.org", 80)
    with pytest.raises(Refused, match="this one tried"):
        no_network.account()
    no_network.account()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_answers(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if family == socket.AF_INET6 and not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        with socket.create_connection((host, port), 5) as client:
            client.sendall(b"x")
            assert server.accept()[0].recv(1) == b"x"
        asyncio.run(answered(host, port))


async def answered(host: str, port: int) -> None:
    _, writer = await asyncio.open_connection(host, port)
    writer.close()
    await writer.wait_closed()


def test_sockets_without_a_network_stay_open(tmp_path):
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))
    left, right = socket.socketpair()
    left.sendmsg([b"x"])
    assert right.recv(1) == b"x"
    for end in (left, right):
        end.close()


TRY = "import socket; socket.create_connection(('192.0.2.1', 9), 1)"


@pytest.mark.parametrize("path", [None, python_path(ROOT), python_path(ROOT / "tools" / "notorch")])
def test_what_a_test_starts_is_guarded_too(path):
    environment = None if path is None else os.environ | {"PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", TRY], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "a test tried to reach 192.0.2.1" in done.stderr


def test_a_page_that_must_run_without_torch_is_guarded_too():
    """The module that blocks torch has the name of the guard's, and hides it when it comes first."""
    path = os.pathsep.join([str(ROOT / "tools" / "notorch"), python_path()])
    environment = os.environ | {"PYTHONPATH": path}
    for code, said in ((TRY, "a test tried to reach 192.0.2.1"), ("import torch", "this page must run without it")):
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert said in done.stderr


def test_no_test_starts_python_without_the_guard():
    for environment in ({}, {"PYTHONPATH": str(ROOT)}):
        with pytest.raises(Refused, match="without the guard"):
            subprocess.run([sys.executable, "-c", ""], env=environment, check=False)
    assert FOLDER in os.environ["PYTHONPATH"].split(os.pathsep)


def test_what_a_nightly_test_starts_may_leave_and_no_other():
    ask = [sys.executable, "-c", "import no_network; print(no_network._open)"]
    said = []
    for whether in (True, False):
        no_network.let_out(whether)
        said.append(subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip())
    assert said == ["True", "False"]
