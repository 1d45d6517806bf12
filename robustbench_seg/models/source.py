"""What a user writes for a model, `--model [NAME=]SOURCE`: a kind and a place, a shipped name, and options after `?`.

hf:FOLDER_OR_ID            smp:FOLDER_OR_ID          torchvision:NETWORK@FILE     onnx:FILE     pt2:FILE
FILE.py:FUNCTION[@FILE]    package.module:FUNCTION[@FILE]
segformer-b0@FILE          builtin:streets-b0        deeplabv3plus@random         constant
onnx:net.onnx?mean=0.5&std=0.5&channels=bgr&classes=names.txt
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import unquote

from ..errors import UsageError
from ..files import expanded
from ..wording import NAME, NAMES
from .options import NOTHING_STATED, ModelOptions
from .registry import BUILTIN_WEIGHTS, MODELS, RANDOM_WEIGHTS

__all__ = ["Source", "split_name"]

OPTIONS = re.compile(r"(?P<place>[^?]*)\?(?P<options>\w+=.*)", re.DOTALL)
WITH_NAME = re.compile(rf"(?P<name>{NAME})=(?P<source>.+)", re.DOTALL)
NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")
WITH_FILE = re.compile(r"(?P<before>[^@]+)@(?P<file>.+)", re.DOTALL)
# What a kind reads, where that is no checkpoint, for messages.
READ = {
    "hf": "a folder, or a repository of the hub",
    "smp": "a folder, or a repository of the hub",
    "onnx": "an ONNX graph, such as net.onnx",
    "pt2": "a program that torch.export saved, such as net.pt2",
}
CODE = re.compile(r"(?P<module>.+\.py|[A-Za-z_][\w.]*):(?P<function>[A-Za-z_][\w.]*)(@(?P<file>.+))?", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A model of the family, its weights and what is stated of it. weights: None where there are none, or none yet."""

    model: str
    weights: str | None = None
    options: ModelOptions = NOTHING_STATED

    @classmethod
    def parse(cls, text: str, folder: Path = Path(), options: Mapping[str, Any] | None = None) -> "Source":
        """Read a source. folder: from which its paths start. options: of a suite, next to those in the text.

        Raises UsageError for what is none, with the forms there are.
        """
        match = OPTIONS.fullmatch(text)
        place, given = (match["place"], match["options"]) if match else (text, "")
        stated = dict(options or {})
        for word in filter(None, given.split("&")):
            name, equals, value = word.partition("=")
            if not equals or name in stated:
                raise UsageError(f"model {text}: {name!r} {'is stated twice' if equals else 'has no value'}")
            stated[name] = unquote(value)
        try:
            return cls(**find(place, folder), options=ModelOptions.parse(stated, folder))
        except UsageError as error:
            raise UsageError(f"model {text}: {error}") from None

    @property
    def default_name(self) -> str:
        """A name for results: the file's or folder's, or the model's own."""
        if self.model == "factory" and (code := CODE.fullmatch(self.weights or "")):
            place = PurePath(code["file"]).stem if code["file"] else code["function"]
        elif self.weights and self.weights not in (*BUILTIN_WEIGHTS, RANDOM_WEIGHTS) and MODELS[self.model].form:
            path = PurePath(self.weights.rpartition("@")[2])
            place = path.stem if path.suffix in (".onnx", ".pt2", ".pth", ".pt", ".safetensors") else path.name
        else:
            place = (self.weights or "").removeprefix("builtin:") if self.weights in BUILTIN_WEIGHTS else self.model
        return NOT_IN_NAMES.sub("-", place).strip("-._")[:64] or self.model


def split_name(text: str) -> tuple[str, str]:
    """Split [NAME=]SOURCE; the name is "" where none is given. Raises UsageError for what can't be a name."""
    if match := WITH_NAME.fullmatch(text):
        return match["name"], match["source"]
    before, equals, _ = text.partition("=")
    if equals and not re.search("[/:@?]", before):  # else it is a part of a path or of an option
        raise UsageError(f"{NAMES}, got {before!r:.80}")
    return "", text


def find(text: str, folder: Path) -> dict[str, str]:
    """Find the model and its weights, whose paths start from a folder. Raises UsageError for what is no source."""
    if text in BUILTIN_WEIGHTS:
        return {"model": next(name for name in MODELS if text in MODELS[name].builtin), "weights": text}
    if text.rpartition("@")[2].startswith("builtin:") and text.rpartition("@")[2] not in BUILTIN_WEIGHTS:
        raise UsageError(f"no such weights ship with the program; there are {', '.join(BUILTIN_WEIGHTS)}")
    kind, colon, place = text.partition(":")
    if colon and place and kind in MODELS and MODELS[kind].form:
        return {"model": kind, "weights": weights_of(kind, place, folder)}
    if text in MODELS and not MODELS[text].form:
        return {"model": text}
    if (match := WITH_FILE.fullmatch(text)) and match["before"] in MODELS and not MODELS[match["before"]].form:
        return {"model": match["before"], "weights": weights_of(match["before"], match["file"], folder)}
    if match := CODE.fullmatch(text):
        module = match["module"]
        module = path_from(module, folder) if module.endswith(".py") else module
        file = f"@{path_from(match['file'], folder)}" if match["file"] else ""
        return {"model": "factory", "weights": f"{module}:{match['function']}{file}"}
    forms = ", ".join(model.form for model in MODELS.values() if model.form)
    names = ", ".join(name for name, model in MODELS.items() if not model.form)
    raise UsageError(f"no such source; the forms are {forms}, {', '.join(BUILTIN_WEIGHTS)}, or NAME@WEIGHTS of {names}")


def weights_of(kind: str, place: str, folder: Path) -> str:
    """Find what a kind of source reads: a path from a folder, a word, or a repository on the hub.

    Raises UsageError for Python code.
    """
    if place in (RANDOM_WEIGHTS, *BUILTIN_WEIGHTS):
        return place
    if place.endswith(".py"):
        reads = READ.get(kind, "a checkpoint, such as weights.safetensors or weights.pth")
        raise UsageError(f"{kind} takes {reads}; a network of your own code is FILE.py:FUNCTION")
    if MODELS[kind].hub:
        from segformer.huggingface import HUB, repository_of

        if repository := repository_of(HUB + place.removeprefix(HUB), folder):
            return HUB + repository
    if kind == "torchvision":
        network, at, file = place.partition("@")
        return f"{network}@{path_from(file, folder)}" if at else network
    return path_from(place, folder)


def path_from(path: str, folder: Path) -> str:
    """Expand `~`, and let any other relative path start from a folder."""
    place = Path(expanded(path.removeprefix("hf:")))
    return str(place if place.is_absolute() or folder == Path() else folder / place)
