"""YAML files that users write, read into frozen pydantic models; every fault becomes one line."""

import re
from collections.abc import Mapping
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from .errors import UsageError
from .files import expanded
from .store.view import View
from .wording import nearest
from .yaml_faults import fault_of

__all__ = [
    "DatasetSpec", "Number", "Strict", "ViewSpec", "Whole", "find_yaml", "parse_yaml", "read_yaml", "shipped",
    "validated",
]  # fmt: skip


class Strict(BaseModel):
    """A frozen model in which an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DatasetSpec(BaseModel):
    """A split of a data set, or of several as one ("cityscapes+acdc"). Other keys are options of the data set."""

    model_config = ConfigDict(frozen=True, extra="allow")
    name: str
    split: str

    @property
    def names(self) -> list[str]:
        """The data sets; each has its own folder."""
        return self.name.split("+")


def view_of(value: Any) -> Any:
    """Turn the name of a View, or its fields, into a View."""
    if isinstance(value, View):
        return value
    if not isinstance(value, str | dict):
        raise ValueError("a view is its name, such as whole, or a mapping of its fields")
    names = [field.name for field in fields(View)]
    for name in value if isinstance(value, dict) else ():
        if name not in names:
            raise ValueError(f"unknown field {name!r} of a view; {nearest(str(name), names)}")
    try:
        return View.parse(value) if isinstance(value, str) else View(**value)
    except UsageError as error:
        raise ValueError(str(error)) from None


def no_truth(value: Any) -> Any:
    """Refuse `true` and `false`, which would pass for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


ViewSpec = Annotated[View, BeforeValidator(view_of)]
Whole = Annotated[int, BeforeValidator(no_truth)]
Number = Annotated[float, BeforeValidator(no_truth)]
Model = TypeVar("Model", bound=BaseModel)


MERGE, WHOLE = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:int"
# What is a truth value or a number, and with which characters it begins: YAML 1.2, section 10.3.2, without zeros ahead.
CORE = {
    "tag:yaml.org,2002:bool": ("true|True|TRUE|false|False|FALSE", "tTfF"),
    WHOLE: ("[-+]?(0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    "tag:yaml.org,2002:float": (
        r"[-+]?((\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.(inf|Inf|INF))|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
}


class YamlLoader(yaml.SafeLoader):  # type: ignore[misc]  # yaml has no types
    """PyYAML's safe loader with rules of YAML 1.2: a key must not occur twice, 1e-5 is a number; yes, no, on and off
    are words. 0012 is text, as the ids of many images are: YAML 1.1 takes it for 10, and YAML 1.2 for 12.
    """

    yaml_implicit_resolvers: ClassVar[dict[str, list[Any]]] = {
        first: [resolver for resolver in some if resolver[0] not in CORE]
        for first, some in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)  # before merges, which repeat keys, are resolved
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == MERGE:
                continue
            value = self.construct_object(key)  # 3 and 0x3 are one key
            if value in seen:
                raise yaml.composer.ComposerError(None, None, f"the key {key.value!r} comes twice", key.start_mark)
            seen.add(value)
        return node

    def construct_whole(self, node: yaml.ScalarNode) -> int:
        text = str(self.construct_scalar(node))
        return int(text, 0 if text[:2] in ("0o", "0x") else 10)


for tag, (pattern, first) in CORE.items():
    YamlLoader.add_implicit_resolver(tag, re.compile(f"(?:{pattern})$"), list(first))
YamlLoader.add_constructor(WHOLE, YamlLoader.construct_whole)


def parse_yaml(text: str) -> Any:
    """Read YAML of plain values. Raises yaml.YAMLError."""
    try:
        return yaml.load(text, Loader=YamlLoader)
    except yaml.YAMLError:
        raise
    except Exception as error:  # PyYAML's constructors raise other types, such as ValueError for an invalid date
        raise yaml.YAMLError(str(error)) from None


def read_yaml(name_or_path: str, kind: type[Model], package: str, changes: Mapping[str, Any] | None = None) -> Model:
    """Read a shipped file of `package` by its name, or any file by its path.

    changes: values that replace values of the file, by place, such as "seed" or "dataset.split".
    Raises UsageError that names the file, the place in it and the fault.
    """
    path = find_yaml(name_or_path, package)
    try:
        text = path.read_text(encoding="utf-8")
        content = parse_yaml(text)
        for place, value in (changes or {}).items():
            content = with_value(content, place.split("."), value)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{name_or_path}: not YAML: {' '.join(str(error).split())}") from None
    return validated(content, kind, name_or_path, path.parent)


def validated(content: Any, kind: type[Model], where: str, folder: Path = Path()) -> Model:
    """Make a model from plain values, in which relative paths start from a folder.

    Raises UsageError that names `where`, the place in it and the fault; see `fault_of`.
    """
    try:
        return kind.model_validate(content, context={"folder": folder})
    except ValidationError as error:
        raise UsageError(f"{where}: {fault_of(error, content, kind)}") from None


def find_yaml(name_or_path: str, package: str) -> Path:
    """Find the file for `read_yaml`. Raises UsageError if there is none."""
    files_by_name = shipped(package)
    path = files_by_name.get(name_or_path, Path(expanded(name_or_path)))
    if not path.is_file():
        raise UsageError(f"{name_or_path}: no such file, and not one of the shipped: {', '.join(files_by_name)}")
    return path


def with_value(content: Any, place: list[str], value: Any) -> Any:
    """Return nested mappings with a value at a place. Missing mappings are added; any other value there is replaced."""
    if not place:
        return value
    inner = content if isinstance(content, dict) else {}
    return {**inner, place[0]: with_value(inner.get(place[0]), place[1:], value)}


def shipped(package: str) -> dict[str, Path]:
    """List the YAML files that `package` ships, by name."""
    folder = Path(str(files(package)))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"), key=lambda path: path.stem)}
