"""`python -m robustbench_seg` and the console script: start the command line, and explain errors of the start."""

import sys
from pathlib import Path

from .stopping import end_with, listen

__all__ = ["main"]

SCRIPT = "robustbench-seg"
HEADLESS = "pip install --force-reinstall --no-deps opencv-python-headless"


def main() -> None:
    """Run the command line. If OpenCV lacks a system library, print that in one line and exit with status 2."""
    listen()  # before the imports, which take seconds
    try:
        import cv2  # noqa: F401, the first import that fails without libGL or libglib

        from .cli import run_program
    except ImportError as error:
        if "libGL" not in str(error) and "libgthread" not in str(error) and "libglib" not in str(error):
            raise
        sys.stderr.write(f"error: OpenCV can't load ({error}); the headless build needs no such library: {HEADLESS}\n")
        raise SystemExit(2) from None
    try:
        run_program()
    except SystemExit as end:
        if is_program():
            end_with(int(end.code or 0))
        raise


def is_program() -> bool:
    """Whether this process is this program, and not another one that calls `main`."""
    module = sys.modules["__main__"]
    module_name = getattr(getattr(module, "__spec__", None), "name", "")
    return module_name == "robustbench_seg.__main__" or Path(getattr(module, "__file__", None) or "").name == SCRIPT


if __name__ == "__main__":
    main()
