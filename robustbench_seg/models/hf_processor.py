"""The size that an image processor of Transformers gives to images: for the view `processor`, by request alone."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import UsageError, in_one_line, missing_extra

__all__ = ["ProcessorResize"]

# Steps after which a network no longer sees the whole image as one: no map at the label's size follows from them.
NOT_WHOLE = {"do_center_crop": "crops images", "do_split_image": "splits images: use windows", "do_pad": "pads images"}


class ProcessorResize:
    """Resizes uint8 RGB (B, 3, H, W) as the image processor in a folder does; the folder is read at the first call."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processor: Any = None

    def __call__(self, images: Tensor) -> Tensor:
        if self.processor is None:
            self.processor = load(self.folder)
        steps = {"do_rescale": False, "do_normalize": False, "do_convert_rgb": False}
        if hasattr(self.processor, "do_flip_channel_order"):
            steps["do_flip_channel_order"] = False
        arguments = [["semantic"] * len(images)] if "OneFormer" in type(self.processor).__name__ else []
        made = self.processor(list(images.cpu()), *arguments, return_tensors="pt", **steps)["pixel_values"]
        resized: Tensor = made.float().round().clamp(0, 255).to(torch.uint8).to(images.device)
        return resized


def load(folder: Path) -> Any:
    """Read an image processor.

    Raises UsageError for one that does more than resize, MachineError without Transformers.
    """
    try:
        import transformers
    except ImportError:
        raise missing_extra("the view processor needs Transformers", "hf") from None
    try:
        kind: Any = transformers.AutoImageProcessor
        processor = kind.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # Transformers raises all kinds for files that it can't read
        reason = in_one_line(error)
        raise UsageError(f"{folder}: Transformers can't read its image processor ({reason:.200})") from None
    name = type(processor).__name__
    for step, what in NOT_WHOLE.items():
        if getattr(processor, step, None) and not (step == "do_pad" and name.startswith(("Mask", "OneFormer"))):
            raise UsageError(f"{folder}: its {name} {what}, so that the view processor is not for it")
    return processor
