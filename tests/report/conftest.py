from collections.abc import Iterator

import pytest

from robustbench_seg.studies.bootstrap import bootstrap


@pytest.fixture(scope="module")
def few_resamples() -> Iterator[None]:
    """For tests in which it does not matter how often the bootstrap draws."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(bootstrap.__kwdefaults__, "resamples", 1000)
        yield
