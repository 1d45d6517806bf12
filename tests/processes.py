"""Processes that tests start and stop: each in its own session, so that a signal to its group hits no test."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

LINE = "robustbench-seg: stopped; what is finished is kept, and the same command resumes from there\n"


def start(
    *arguments: str,
    ignored: tuple[signal.Signals, ...] = (),
    stdout: int = subprocess.DEVNULL,
    **environment: str,
) -> subprocess.Popen[str]:
    """Start Python with these arguments and additions to the environment; its errors go into a pipe."""

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background job ignores it, and so would its children
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)

    return subprocess.Popen(
        [sys.executable, *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, **environment},
        preexec_fn=prepare,  # noqa: PLW1509
    )


def wait_for(there: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait until something is there, or the process has ended."""
    while process.poll() is None and not there():
        time.sleep(0.005)


def ended(process: subprocess.Popen[str], seconds: float = 60) -> tuple[int, str, list[str]]:
    """Wait for the end, so long at most. Returns the status, the text on stderr, and the commands that outlived it.

    Python's resource tracker does not count: it ends after all its users.
    """
    try:
        process.wait(timeout=seconds)
        left = [command for command in commands_of(process.pid).values() if "resource_tracker" not in command]
        return process.returncode, process.communicate(timeout=60)[1], left
    finally:
        for number in commands_of(process.pid):
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)


def commands_of(session: int) -> dict[int, str]:
    """The command lines of a session's processes, where the system has /proc; those that are gone have none."""
    commands = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            own = int((folder / "stat").read_bytes().rpartition(b")")[2].split()[3])
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
            if own == session and command:
                commands[int(folder.name)] = command.decode(errors="replace")
    return commands
