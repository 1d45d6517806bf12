"""The description of a data set in a folder: the content of dataset.yaml, or of a suite."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from ..errors import DataError, UsageError
from ..wording import NAME, counted, listed, quote
from ..yaml_faults import in_yaml
from ..yaml_files import Number, Strict, Whole, read_yaml, validated
from .base import IGNORE
from .coding import colour_code
from .tree import contents
from .voc import colour_of

__all__ = ["FolderSpec", "classes_of", "palette_of", "read_spec"]

DESCRIPTION = "dataset.yaml"
MOST_VALUE = 65535
Byte = Annotated[Whole, Field(ge=0, le=255)]
Colour = tuple[Byte, Byte, Byte]


def is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_colour(value: Any) -> bool:
    return is_list(value) and len(value) == 3 and all(is_whole(one) and 0 <= one <= 255 for one in value)


class FolderSpec(Strict):
    """The content of dataset.yaml. Paths are relative to it.

    images, labels: a folder, or a pattern with wildcards; {split} in them stands for the split's name; labels may be a
    COCO-style JSON file. classes: names in the order of the values 0, 1, ..., a mapping from values to names, or a text
    file with a name per line; several values may have one name. colours: for RGB labels, the colour or colours of each
    class. ignore: values (or, with colours, colours) that are not scored, or "others": whatever is not listed.
    splits: a list file or a share (0-1) for each split, where they do not lie in separate folders. blocks: a
    regular expression; images whose ids agree in what it finds are drawn together by statistics. conditions: one whose
    finding in an id is the image's condition. background: with JSON, the class of pixels without annotation, which are
    ignored otherwise.
    """

    name: str = Field("folder", pattern=rf"^{NAME}$")
    images: str
    labels: str
    classes: tuple[str, ...] | dict[Annotated[int, Field(ge=0, le=MOST_VALUE)], str] | str
    colours: dict[str, Colour | tuple[Colour, ...]] = Field(default_factory=dict)
    ignore: Whole | tuple[Whole | Colour, ...] | str = IGNORE
    palette: tuple[Colour, ...] = ()
    splits: dict[str, str | Number] = Field(default_factory=dict)
    blocks: str = ""
    conditions: str = ""
    background: str = ""
    shows_images: bool = True
    synthetic: bool = False

    @field_validator("classes", mode="before")
    @classmethod
    def classes_have_names(cls, value: Any) -> Any:
        for key in value if isinstance(value, Mapping) else ():
            if type(key) is not int or not 0 <= key <= MOST_VALUE:  # as text or a truth value it may be a second 1
                whole = f"its values must be whole numbers of 0 .. {MOST_VALUE}, as 7: road"
                raise ValueError(f"{whole}, got {in_yaml(key):.60}")
        if not isinstance(value, Mapping | list | tuple | str):
            raise ValueError("must be a list of names, a mapping such as 7: road, or a file")
        names = value.items() if isinstance(value, Mapping) else enumerate([] if isinstance(value, str) else value)
        for place, name in names:
            if name is None or isinstance(name, int | float):
                raise ValueError(
                    f"the name of value {place} is read as {json.dumps(name)}, which is no text; if it is called so, "
                    f'write "{json.dumps(name)}" in quotes'
                )
            if not isinstance(name, str) or not name.strip():
                raise ValueError(f"the name of value {place} must be a text, and not blank")
        return value

    @field_validator("colours", mode="before")
    @classmethod
    def colours_are_of_classes(cls, value: Any) -> Any:
        for name, own in value.items() if isinstance(value, Mapping) else ():
            if not (is_colour(own) or (is_list(own) and own and all(map(is_colour, own)))):
                raise ValueError(
                    f"{name} must have a colour, [R, G, B] of 0 .. 255, or a list of colours, got {in_yaml(own):.60}"
                )
        return value

    @field_validator("ignore", mode="before")
    @classmethod
    def ignore_is_of_values_or_colours(cls, value: Any) -> Any:
        for one in value if is_list(value) else [value]:
            if not (is_whole(one) or is_colour(one) or (isinstance(one, str) and one is value)):
                raise ValueError('must be a value, a list of values or of colours [R, G, B], or "others"')
        return value

    @field_validator("splits", mode="before")
    @classmethod
    def splits_are_files_or_shares(cls, value: Any) -> Any:
        for split, how in value.items() if isinstance(value, Mapping) else ():
            if not isinstance(how, str | int | float) or isinstance(how, bool):
                raise ValueError(f"{split} must be a list file or a share of 0 .. 1, got {in_yaml(how):.60}")
        return value

    @model_validator(mode="after")
    def parts_fit(self) -> Self:
        for name in ("blocks", "conditions"):
            try:
                re.compile(getattr(self, name))
            except re.error as error:
                raise ValueError(f"{name} is no regular expression ({error})") from None
        if isinstance(self.ignore, str) and self.ignore != "others":
            raise ValueError(f'ignore must be values, or "others", got {self.ignore!r}')
        for one in values_of(self.ignore) if "ignore" in self.model_fields_set else ():
            if self.colours and isinstance(one, int):
                raise ValueError(f"ignore must be colours, such as [[0, 0, 0]], where there are colours, got {one}")
            if not self.colours and not (isinstance(one, int) and 0 <= one <= MOST_VALUE):
                raise ValueError(f"ignore must be values of 0 .. {MOST_VALUE} where there are no colours, got {one}")
        shares = [share for share in self.splits.values() if isinstance(share, float)]
        if shares and (len(shares) < len(self.splits) or not all(share > 0 for share in shares) or sum(shares) > 1.001):
            raise ValueError(f"splits must be files, or shares that sum to 1 at most, got {self.splits}")
        return self


def read_spec(root: Path, options: Mapping[str, Any]) -> FolderSpec:
    """Read a folder's dataset.yaml, where there is one; options replace what is in it."""
    path = root / DESCRIPTION
    if not root.is_dir():
        raise DataError(f"{quote(root)}: no such folder")
    if not path.is_file() and set(options) <= {"name"}:
        raise UsageError(
            f"{quote(root)}: has no {DESCRIPTION}, which names the places of images and labels and the classes "
            f"(see docs/datasets.md); it holds {contents(root)}"
        )
    if not path.is_file():
        return validated(dict(options), FolderSpec, f"the description of {quote(root)}")
    return read_yaml(str(path), FolderSpec, __package__, options)


def classes_of(root: Path, spec: FolderSpec) -> tuple[tuple[str, ...], dict[int, int]]:
    """Give the class names, and the trainId or IGNORE of each stored value (or colour, as one number)."""
    names_by_value = spec.classes
    if isinstance(names_by_value, str):
        try:
            lines = (root / names_by_value).read_text("utf-8-sig").rstrip().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{quote(root / names_by_value)}: can't be read as a list of classes ({error})") from None
        if blank := [number for number, line in enumerate(lines, 1) if not line.strip()]:
            raise DataError(
                f"{quote(root / names_by_value)}: line {blank[0]} is blank, but each line names the class of the next "
                "value; name that class, or remove the line"
            )
        names_by_value = tuple(line.strip() for line in lines)
    if isinstance(names_by_value, tuple):
        if len(set(names_by_value)) < len(names_by_value):
            raise UsageError(f"{spec.name}: classes: {twice(names_by_value)!r} comes twice")
        names_by_value = dict(enumerate(names_by_value))
    names_by_value = dict(sorted(names_by_value.items()))  # trainIds are in the order of the values, however written
    names = tuple(dict.fromkeys(names_by_value.values()))
    if not 1 <= len(names) <= IGNORE:
        raise UsageError(f"{spec.name}: has {counted(len(names), 'class name')}; 1 to {IGNORE} are possible")
    values = {value: names.index(name) for value, name in names_by_value.items()}
    if spec.colours:
        if set(spec.colours) != set(names):
            odd = sorted(set(spec.colours) ^ set(names))
            raise UsageError(
                f"{spec.name}: colours must be of the classes, each once; {listed(odd, 3)} is in one alone"
            )
        pairs = [(colour_code(*colour), names.index(name)) for name in names for colour in colours_of(spec, name)]
        if len(dict(pairs)) < len(pairs):
            raise UsageError(f"{spec.name}: colours: two classes share one")
        values = dict(pairs)
    is_stated = "ignore" in spec.model_fields_set
    codes = [colour_code(*one) if isinstance(one, tuple) else one for one in values_of(spec.ignore)]
    if is_stated and (both := sorted(set(codes) & set(values))):
        raise UsageError(f"{spec.name}: {both[0]} is ignored, and class {names[values[both[0]]]!r}, too")
    return names, dict.fromkeys(codes if is_stated or not spec.colours else (), IGNORE) | values


def values_of(ignore: int | tuple[int | Colour, ...] | str) -> tuple[int | Colour, ...]:
    """List the values or colours that are ignored by themselves; "others" lists none."""
    return () if isinstance(ignore, str) else (ignore,) if isinstance(ignore, int) else ignore


def colours_of(spec: FolderSpec, name: str) -> tuple[Colour, ...]:
    given: Any = spec.colours[name]
    return given if isinstance(given[0], tuple) else (given,)


def palette_of(spec: FolderSpec, names: Sequence[str]) -> tuple[Colour, ...]:
    """Choose the colours that reports show: as given, as in the labels, or PASCAL VOC's."""
    if spec.palette and len(spec.palette) != len(names):
        raise UsageError(
            f"{spec.name}: palette has {len(spec.palette)} colours for {counted(len(names), 'class name')}"
        )
    if spec.palette:
        return spec.palette
    if spec.colours:
        return tuple(colours_of(spec, name)[0] for name in names)
    return tuple(colour_of(k + 1) for k in range(len(names)))


def twice(names: Sequence[str]) -> str:
    """Name the first that comes more than once."""
    return next(name for name in names if names.count(name) > 1)
