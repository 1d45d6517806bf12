"""A whole store, of which each test damages a copy."""

from pathlib import Path

import pytest
from whole import write_whole


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    write_whole(folder)
    return folder
