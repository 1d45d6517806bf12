"""How the program begins and ends."""

import subprocess
import sys
from pathlib import Path

import pytest

CALL = """
import sys
from robustbench_seg.__main__ import main
sys.argv = ["robustbench-seg", "plan", "nothing"]
try:
    main()
except SystemExit as end:
    assert end.code == 2
"""


@pytest.mark.parametrize(("then", "status"), [("", 0), ("sys.exit(5)", 5), ("assert False", 1)])
def test_a_program_that_calls_this_one_keeps_its_own_end(then: str, status: int) -> None:
    assert subprocess.run([sys.executable, "-c", CALL + then], capture_output=True, check=False).returncode == status


@pytest.mark.parametrize("name", ["robustbench-seg", "other"])
def test_the_console_script_ends_with_the_status_and_all_that_was_printed(tmp_path: Path, name: str) -> None:
    script = tmp_path / name
    script.write_text("import sys\nfrom robustbench_seg.__main__ import main\nsys.exit(main())\n")
    for arguments, status, printed in (["plan", "demo"], 0, 800), (["plan", "nothing"], 2, 0):
        done = subprocess.run([sys.executable, str(script), *arguments], capture_output=True, check=False)
        assert done.returncode == status
        assert len(done.stdout) >= printed
        assert len(done.stderr.splitlines()) == (status != 0)
