"""`python -m robustbench_seg` and the console script: the command line, with the errors of its own start explained."""

import sys
from pathlib import Path

from .stopping import end_with, listen

__all__ = ["main"]

SCRIPT = "robustbench-seg"
HEADLESS = "pip install --force-reinstall --no-deps opencv-python-headless"


def main() -> None:
    """Run the command line; say in one line where OpenCV can't load for want of a system library."""
    listen()  # before the imports, which take seconds
    try:
        import cv2  # noqa: F401, the first to fail where libGL or libglib are missing

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
    """Whether this process is this program alone, rather than another that calls `main`."""
    module = sys.modules["__main__"]
    started = getattr(getattr(module, "__spec__", None), "name", "")
    return started == "robustbench_seg.__main__" or Path(getattr(module, "__file__", None) or "").name == SCRIPT


if __name__ == "__main__":
    main()
