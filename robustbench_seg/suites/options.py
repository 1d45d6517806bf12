"""A suite without a file, of a data set and a protocol; and any suite with options in the place of what it states."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import UsageError
from ..protocols import PROTOCOLS
from ..store.cell import CLEAN
from ..store.view import View
from ..wording import counted
from ..yaml_files import validated
from .schema import Suite

__all__ = ["PROTOCOL", "suite_for", "with_options"]

PROTOCOL = "chosen"  # the protocol of conditions that options name


def suite_for(
    dataset: str,
    split: str,
    protocol: str,
    conditions: Mapping[str, Sequence[int]] | None = None,
) -> Suite:
    """Make the suite that measures a protocol on a data set, or conditions in its place.

    Raises UsageError for an unknown protocol, and for conditions that a suite may not have.
    """
    content: dict[str, Any] = {"protocol": protocol, "description": f"The protocol {protocol} on {dataset} {split}."}
    if conditions is not None:
        content |= {"protocol": PROTOCOL, "conditions": conditions}
        content["description"] = f"{counted(len(conditions), 'chosen corruption')} on {dataset} {split}."
    content["name"] = f"{dataset}-{content['protocol']}".replace("+", "-")
    content["dataset"] = {"name": dataset, "split": split}
    return validated(content, Suite, "options")


def with_options(  # noqa: PLR0913 (each is an option of the command)
    suite: Suite,
    *,
    protocol: str | None = None,
    conditions: Mapping[str, Sequence[int]] | None = None,
    views: Sequence[View] = (),
    seeds: Sequence[int] = (),
    batchnorm: Sequence[str] = (),
    split: str | None = None,
    metrics: Sequence[str] | None = None,
    void: str | None = None,
) -> Suite:
    """Put options in the place of what a suite states; what is None or empty stays.

    conditions: corruptions with their severities, in the place of the protocol's. A changed protocol has
    no primary comparisons, changed views keep the primary comparisons that are still measured. void: another rule than
    the suite's takes its metrics away, since "counted" is a rule for the mIoU alone. Raises UsageError for what a suite
    may not have.
    """
    content: dict[str, Any] = {name: getattr(suite, name) for name in suite.model_fields_set}
    if protocol is not None:
        content["protocol"] = protocol
        content.pop("conditions", None)
    if conditions is not None:
        content |= {"protocol": PROTOCOL, "conditions": dict(conditions)}
    if content.get("protocol", CLEAN) in PROTOCOLS:
        content.pop("conditions", None)  # they are its own
    if views:
        content["views"] = tuple(views)
    if seeds:
        content.pop("seed", None)
        content["seeds"] = tuple(seeds)
    if batchnorm:
        content["batchnorm"] = tuple(batchnorm)
        if "reestimated" not in batchnorm:
            content.pop("batchnorm_images", None)  # of the suite's own
    if split is not None:
        if suite.dataset is None:
            raise UsageError(f"suite {suite.name} has no dataset, so no split {split!r}")
        content["dataset"] = {**suite.dataset.model_dump(), "split": split}
    if protocol is not None or conditions is not None:
        content.pop("primary", None)  # its quantities would be others
    elif suite.primary:
        primary = [each for each in suite.primary if not each.fault(suite.conditions, views or suite.views)]
        content["primary"] = tuple(primary)
    if void is not None:
        content["void"] = void
        if void != suite.void:
            content.pop("metrics", None)
    if metrics is not None:
        content["metrics"] = tuple(metrics)
    return validated(content, Suite, f"suite {suite.name}")
