"""Several data sets of the same classes as one, such as cityscapes+acdc: each image's condition names its data set."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import UsageError
from ..files import digest
from ..wording import listed
from .base import Dataset, Inspection, Sample, Survey, files_of, loaded

__all__ = ["JOIN", "Several"]

JOIN = "+"


class Several(Dataset):
    """The images of its members in turn; an id is the member's name, a slash, and the member's id."""

    def __init__(self, members: Sequence[Dataset]) -> None:
        self.members = {member.name: member for member in members}
        self.name = JOIN.join(member.name for member in members)
        if len(self.members) < len(members):
            raise UsageError(f"{self.name}: two data sets of one name; give one another in its dataset.yaml")
        splits = [member.split for member in members]
        self.split = splits[0] if len(set(splits)) == 1 else JOIN.join(splits)
        self.splits = (self.split,)
        first = members[0]
        for member in members:
            if member.block_pattern:
                raise UsageError(f"{self.name}: {member.name} has blocks by a pattern, and can't be one of several")
            if member.class_names != first.class_names:
                raise UsageError(
                    f"{self.name}: {member.name} has other classes ({listed(member.class_names, 3)}) than {first.name} "
                    f"({listed(first.class_names, 3)}); their classes must be equal"
                )
        self.class_names, self.palette = first.class_names, first.palette
        self.shows_images = all(member.shows_images for member in members)
        self.synthetic = any(member.synthetic for member in members)
        self.notes = tuple(note for member in members for note in member.notes)
        self.cautions = tuple(caution for member in members for caution in member.cautions)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(sorted(f"{name}/{image_id}" for name, one in self.members.items() for image_id in one.ids))

    @property
    def total(self) -> int:
        return sum(member.total for member in self.members.values())

    def blocks(self, ids: Sequence[str]) -> tuple[str, ...]:  # type: ignore[override]  # it asks its members
        pairs = map(self.member_of, ids)
        return tuple(f"{member.name}/{member.blocks([own])[0]}" for member, own in pairs)

    def member_of(self, image_id: str) -> tuple[Dataset, str]:
        """Find the member that an id is of, and the id that it has there."""
        name, _, own = image_id.partition("/")
        return self.members[name], own

    def load(self, image_id: str) -> Sample:
        member, own = self.member_of(image_id)
        sample = loaded(member, own)
        return Sample(image_id, sample.image, sample.label)

    def files(self, image_id: str) -> tuple[Path, ...] | None:
        member, own = self.member_of(image_id)
        return files_of(member, own)

    def inspect(self, image_id: str) -> Inspection:
        member, own = self.member_of(image_id)
        return replace(member.inspect(own), image_id=image_id)

    def fingerprint(self, ids: Sequence[str]) -> str:
        return self.survey(ids).fingerprint

    def survey(self, ids: Sequence[str]) -> Survey:
        surveys = {name: one.survey(own) for name, one in self.members.items() if (own := self.ids_of(name, ids))}
        sizes = {size: f"{name}/{one}" for name, survey in surveys.items() for size, one in survey.sizes.items()}
        return Survey(
            digest([[name, survey.fingerprint] for name, survey in surveys.items()]),
            tuple(f"{name}/{image_id}" for name, survey in surveys.items() for image_id in survey.unlabelled),
            sizes,
            tuple(f"{name}/{image_id}" for name, survey in surveys.items() for image_id in survey.turned),
        )

    def ids_of(self, name: str, ids: Sequence[str]) -> list[str]:
        """Those ids that are of a member, as it has them."""
        return [image_id.partition("/")[2] for image_id in ids if image_id.startswith(f"{name}/")]

    def describe(self, image_id: str) -> str:
        member, own = self.member_of(image_id)
        return f"{member.name} {member.describe(own)}"
