"""The program, run in this process: importing torch again for every command would cost the tests minutes."""

import io
import os
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from robustbench_seg.cli.program import run_program
from robustbench_seg.cli.terminal import console

__all__ = ["ROOT", "Done", "program"]

ROOT = Path(__file__).parents[1]
WIDTH = 200  # columns: no table is cut


@dataclass(frozen=True)
class Done:
    """How a command ended; field by field as `subprocess.CompletedProcess` has it."""

    returncode: int
    stdout: str
    stderr: str


def program(*arguments: str, cwd: Path = ROOT, **environment: str) -> Done:
    """Run a command to its end, with these additions to the environment; its output must be UTF-8, as into a pipe."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with (
        mock.patch.object(sys, "argv", ["robustbench-seg", *arguments]),
        mock.patch.dict(os.environ, environment),
        mock.patch.object(console, "_width", WIDTH),
        chdir(cwd),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            run_program()
        except SystemExit as end:
            status = end.code
    assert isinstance(status, int)
    return Done(status, *(stream.buffer.getvalue().decode() for stream in (out, err)))
