"""robustbench-seg: how far can a semantic-segmentation model be trusted when the image is not clean?

The front door: what a program of your own needs, by `import robustbench_seg as rb`. A name is imported when it is first
asked for, so that the package itself starts at once and without torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api.evaluate import evaluate as evaluate
    from .api.load import load_model as load_model
    from .api.results import Results as Results
    from .api.results import compare as compare
    from .api.results import read_results as read_results
    from .corruptions import corrupt as corrupt
    from .corruptions import corruption as corruption
    from .datasets import open_dataset as open_dataset
    from .metrics import metric as metric

__version__ = "0.1.0"
__all__ = [
    "Results",
    "__version__",
    "compare",
    "corrupt",
    "corruption",
    "evaluate",
    "load_model",
    "metric",
    "open_dataset",
    "read_results",
]

HOMES = {
    "Results": "api.results",
    "compare": "api.results",
    "corrupt": "corruptions",
    "corruption": "corruptions",
    "evaluate": "api.evaluate",
    "load_model": "api.load",
    "metric": "metrics",
    "open_dataset": "datasets",
    "read_results": "api.results",
}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
