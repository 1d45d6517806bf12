"""Examples in docstrings: what a reader is shown of numbers and words is what the functions give."""

import doctest
from types import ModuleType

import pytest

from robustbench_seg import wording
from robustbench_seg.charts import axes, words


@pytest.mark.parametrize("module", [axes, words, wording], ids=lambda module: module.__name__.rpartition(".")[2])
def test_the_examples_of_a_module_hold(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
