"""The stand-in as a program of its own: python -m standin."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
KEY = "db-standin-process-key"


def start(*arguments: str, key: str | None = KEY) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name != "FUTSIM_STANDIN_KEY"}
    if key is not None:
        environment["FUTSIM_STANDIN_KEY"] = key
    return subprocess.Popen(
        [sys.executable, "-m", "standin", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_it_says_when_it_is_ready_serves_and_stops_cleanly(signum):
    with start("--port", "0", "--live-port", "0", "--seed", "5") as process:
        line = process.stdout.readline()
        url, live = line.split()[3], line.split()[6]
        assert line == f"standin: ready on {url} live on {live} seed=5\n"
        answer = requests.get(f"{url}/v0/metadata.list_datasets", auth=(KEY, ""), timeout=5)
        assert answer.json() == ["GLBX.MDP3"]
        host, port = live.split(":")
        with socket.create_connection((host, int(port)), timeout=5) as client:
            assert client.recv(100).startswith(b"lsg_version=")
            process.send_signal(signum)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize("half", ["--port", "--live-port"])
def test_a_taken_port_is_one_clear_line(half):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with start("--port", "0", "--live-port", "0", half, str(port)) as process:
            out, err = process.communicate(timeout=10)
    assert process.returncode == 1
    assert out == ""
    assert err == f"standin: cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_without_a_key_it_does_not_start():
    with start("--port", "0", key=None) as process:
        _out, err = process.communicate(timeout=10)
    assert process.returncode == 2
    assert "FUTSIM_STANDIN_KEY" in err


def test_it_needs_no_django():
    code = "import sys, standin.__main__; print('django' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
