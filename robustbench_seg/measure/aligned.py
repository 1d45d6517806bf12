"""A model whose classes differ from the data set's: what it is to everything that counts, stores and reports."""

from collections.abc import Mapping, Sequence

from ..alignment import Alignment, align
from ..models.base import Segmenter, extend_identity

__all__ = ["align_model", "alignment_of", "outputs_of"]


def align_model(
    model: Segmenter, classes: Sequence[str], table: Mapping[str, str | None] | str | None = None
) -> Alignment:
    """Give a model the classes of a data set, in place, unless it has these already.

    table: see `align`. The alignment decides the counts, so it enters the model's identity. Raises UsageError where the
    classes can't be aligned.
    """
    alignment = align(model.class_names, classes, table)
    model.class_names = alignment.classes  # else cells of one data set would differ in them by a letter's case
    if alignment.is_identity:
        return alignment
    model.alignment = alignment  # type: ignore[attr-defined]
    extend_identity(model, "classes", list(alignment.to))
    model.about += f"; {len(alignment.model_classes)} classes, aligned {alignment.how}"
    return alignment


def alignment_of(model: Segmenter) -> Alignment | None:
    """The alignment of a model; None for one of the data set's own classes."""
    return getattr(model, "alignment", None)


def outputs_of(model: Segmenter) -> int:
    """How many logits a model has for a pixel."""
    alignment = alignment_of(model)
    return len(alignment.model_classes if alignment else model.class_names)
