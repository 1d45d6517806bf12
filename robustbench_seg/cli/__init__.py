"""The command line. Exit status: 0 all done, 1 some cells failed, 2 bad usage or input, 130 after Ctrl-C.

A command imports what it works with when it runs, so that `--help` and a mistake in an option need no torch.
"""

from .program import app, run_program

__all__ = ["app", "run_program"]
