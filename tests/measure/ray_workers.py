"""Worker processes of Ray that are forked from a server, which has imported torch once.

Ray starts this file in the place of its own `default_worker.py`. It gives its arguments, its environment and its
streams to the server and ends; the fork is the worker.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ADDRESS = "RAY_WORKERS"  # a variable of the environment: the path of the server's socket
BEGUN = "begun"  # a file beside the socket, once a worker was asked for
MOST = 2**18  # bytes of a request
NO_JOB = "f" * 8  # a worker serves any driver; the server keeps the first one's id, and its forks would serve no other
PATIENCE_S = 60.0  # for the server to begin


@contextmanager
def forked_workers(folder: Path) -> Iterator[None]:
    """Let Ray, when it starts on this machine, fork its workers, and start neither the monitor of logs nor the
    autoscaler. folder: of the socket.
    """
    import pytest
    from ray._private.parameter import RayParams
    from shared_runs import fork, kill

    usual = RayParams.update_if_absent

    def update(params: RayParams, **absent: object) -> None:
        if "worker_path" in absent:
            absent |= {"worker_path": __file__, "include_log_monitor": False}
            params.no_monitor = True
        usual(params, **absent)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ADDRESS, str(folder / "workers"))
        patch.setattr(RayParams, "update_if_absent", update)
        server = fork(serve, str(folder / "workers"))
        try:
            yield
        finally:
            kill(server)


def request(address: str) -> None:
    """Ask the server for a worker in the place of this process."""
    variables = (f"{name}={value}" for name, value in os.environ.items())
    words = "\0".join([str(Path.cwd()), *sys.argv[1:], "", *variables])
    end = time.monotonic() + PATIENCE_S
    while not Path(address).exists() and time.monotonic() < end:
        time.sleep(0.01)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
        line.connect(address)
        socket.send_fds(line, [words.encode()], [0, 1, 2])


def serve(address: str) -> None:
    """Fork a worker for each request, to the end of the tests' process."""
    import multiprocessing
    from multiprocessing.connection import wait

    parent = multiprocessing.parent_process()
    assert parent
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # none is waited for
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(address)
        server.listen()
        while server in wait([server, parent.sentinel]):
            line, _ = server.accept()
            Path(address).with_name(BEGUN).touch()
            with line:
                content, streams, _, _ = socket.recv_fds(line, MOST, 3)
            begin(content.decode().split("\0"), streams)
            for stream in streams:
                os.close(stream)


def begin(words: list[str], streams: list[int]) -> None:
    """Fork a worker. words: working folder, arguments, an empty word, variables of the environment."""
    middle = words.index("")
    os.environ.clear()
    os.environ.update(word.split("=", 1) for word in words[middle + 1 :])
    os.environ["RAY_JOB_ID"] = NO_JOB
    import runpy

    from ray._private.workers import default_worker  # with these variables, by which Ray admits a process

    if os.fork():
        return
    try:
        os.setpgid(0, 0)  # as Ray does it: it ends the group of a worker with the worker
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.chdir(words[0])
        sys.argv = [default_worker.__file__, *words[1:middle]]
        runpy.run_path(default_worker.__file__, run_name="__main__")
    finally:
        os._exit(1)


if __name__ == "__main__":
    request(os.environ[ADDRESS])
