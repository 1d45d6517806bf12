"""`python -m robustbench_seg` and the console script: the command line, with the errors of its own start explained."""

import sys

from .stopping import listen

__all__ = ["main"]

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
    run_program()


if __name__ == "__main__":
    main()
