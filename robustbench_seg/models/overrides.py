"""What a user states of a model, put in the place of what its files state."""

from segformer.sources import NVIDIA_LICENCE

from ..errors import UsageError
from .base import PreparedSegmenter, Segmenter, extend_identity
from .foreign import Foreign
from .source import Source

__all__ = ["override"]


def override(source: Source, made: Segmenter) -> None:
    """Apply the options of a source to the model that was made of it, and add its input to its description.

    What changes the logits changes its identity. Raises UsageError for what can't be stated of such a model.
    """
    options = source.options
    if not options.native and source.model != "hf":
        raise UsageError(f"model {made.name}: the option native is of hf: sources, not of {source.model}")
    padded = getattr(made, "network", None)
    for name in ("pad_to", "size"):
        if getattr(options, name) and not isinstance(padded, Foreign):
            raise UsageError(f"model {made.name}: takes images of any size, so that {name} can't be stated")
    if isinstance(made, PreparedSegmenter):
        stated = options.apply(made.preprocessing)
        if stated != made.preprocessing:
            extend_identity(made, *stated.numbers)
        made.preprocessing = stated
        made.about += stated.remark
    elif (options.mean or options.std or options.channels or options.rescale) is not None:
        raise UsageError(f"model {made.name}: its input is its own, and can't be stated")
    if options.pad_to or options.size:
        extend_identity(made, "sides", options.pad_to, options.size)
    if options.version:
        extend_identity(made, "version", options.version)
    if options.licence and made.licence != NVIDIA_LICENCE:
        made.licence = options.licence
