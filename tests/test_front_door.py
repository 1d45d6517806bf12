"""What `import robustbench_seg as rb` offers, and that it costs nothing until it is used."""

import subprocess
import sys
from pathlib import Path

import pytest

import robustbench_seg as rb

ROOT = Path(__file__).parents[1]
NAMES = {
    "Results": "robustbench_seg.api.results",
    "__version__": "robustbench_seg",
    "compare": "robustbench_seg.api.results",
    "corrupt": "robustbench_seg.corruptions",
    "corruption": "robustbench_seg.corruptions",
    "evaluate": "robustbench_seg.api.evaluate",
    "load_model": "robustbench_seg.api.load",
    "metric": "robustbench_seg.metrics",
    "open_dataset": "robustbench_seg.datasets",
    "read_results": "robustbench_seg.api.results",
}


def test_the_public_names_are_these_and_each_is_what_its_module_offers() -> None:
    assert sorted(rb.__all__) == sorted(NAMES)
    for name, module in NAMES.items():
        assert getattr(rb, name) is getattr(sys.modules[module], name)
    assert set(NAMES) <= set(dir(rb))


def test_any_other_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'robustbench_seg' has no attribute 'corruptor'"):
        _ = rb.corruptor
    assert not hasattr(rb, "HOME")


@pytest.mark.parametrize(
    ("line", "absent"),
    [
        ("import robustbench_seg", ("numpy", "torch", "pandas", "pydantic", "robustbench_seg.corruptions")),
        ("from robustbench_seg import corruption, open_dataset", ("torch", "numba", "matplotlib", "pandas")),
        ("from robustbench_seg import Results, compare, read_results", ("torch", "matplotlib")),
    ],
)
def test_it_opens_without_what_it_does_not_need(line: str, absent: tuple[str, ...]) -> None:
    program = f"import sys; {line}; print(*sorted(set({absent}) & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
