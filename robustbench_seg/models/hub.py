"""Where the files of a source are: at a path, or on the Hugging Face hub."""

from collections.abc import Sequence
from pathlib import Path

from segformer.huggingface import HUB, download, missing, repository_of

from ..errors import UsageError
from .request import Request

__all__ = ["fetch"]


def fetch(request: Request, also: Sequence[str] = ()) -> Path:
    """Find the folder or file, or fetch the repository. also: files that are fetched next to config.json and weights.

    Raises UsageError where nothing is there.
    """
    if lack := missing(request.weights):
        raise UsageError(f"model {request.name}: {lack}")
    if repository_of(request.weights):
        return download(request.weights, also)
    return Path(request.weights.removeprefix(HUB))
