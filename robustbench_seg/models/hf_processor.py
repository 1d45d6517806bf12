"""The size that an image processor of Transformers gives to images: for the view `processor`, by request alone."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from segformer.preprocessor import FILES

from ..errors import UsageError, in_one_line, missing_extra

__all__ = ["ProcessorResize"]

# Steps after which a network no longer sees the whole image as one: no map at the label's size follows from them.
NOT_WHOLE = {"do_center_crop": "crops images", "do_split_image": "splits images: use windows", "do_pad": "pads images"}
# How far a resized ramp may be from bilinear interpolation: two pixels of the smaller image, as filters differ at the
# rim, and the rounding of values.
STEPS, ROUNDING = 2, 3


class ProcessorResize:
    """Resizes uint8 RGB (B, 3, H, W) as the image processor in a folder does; the folder is read at the first call.

    Raises UsageError as `load` does, where its files are no longer those that the identity of the model covers, and for
    a processor that shows another part of such images than the whole.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = contents_of(folder)
        self.processor: Any = None
        self.tried: set[torch.Size] = set()  # sizes of images that stay whole

    def __call__(self, images: Tensor) -> Tensor:
        if self.processor is None:
            self.processor = self.read()
        if images.shape[2:] not in self.tried:
            self.expect_whole(images.shape[2], images.shape[3])
            self.tried.add(images.shape[2:])
        return self.process(images)

    def read(self) -> Any:
        """Read the processor from the files that the model was read with."""
        processor, files = load(self.folder), contents_of(self.folder)
        for name, content in self.files.items():
            if files[name] != content:
                raise UsageError(f"{self.folder / name}: changed after the model was read; run again")
        return processor

    def expect_whole(self, height: int, width: int) -> None:
        """Try an image of ramps: resized, it has the same ramps. Some steps of resizing crop or pad it too."""
        ramps = ramps_of(height, width)
        made = self.process(ramps.round().to(torch.uint8)).float()
        rows, columns = min(height, made.shape[2]), min(width, made.shape[3])
        allowed = torch.tensor([ROUNDING + STEPS * 255 / side for side in (rows, columns, columns)])
        whole = functional.interpolate(ramps, made.shape[2:], mode="bilinear", align_corners=False)
        if ((made - whole).abs().amax(dim=(0, 2, 3)) > allowed).any():
            raise UsageError(
                f"{self.folder}: its {type(self.processor).__name__} crops or pads images of {height}x{width}, so that "
                "the view processor is not for it"
            )

    def process(self, images: Tensor) -> Tensor:
        """Let the processor resize uint8 (B, 3, H, W), and nothing else."""
        steps = {"do_rescale": False, "do_normalize": False, "do_convert_rgb": False}
        if hasattr(self.processor, "do_flip_channel_order"):
            steps["do_flip_channel_order"] = False
        arguments = [["semantic"] * len(images)] if "OneFormer" in type(self.processor).__name__ else []
        made = self.processor(list(images.cpu()), *arguments, return_tensors="pt", **steps)["pixel_values"]
        resized: Tensor = made.float().round().clamp(0, 255).to(torch.uint8).to(images.device)
        return resized


def contents_of(folder: Path) -> dict[str, bytes | None]:
    """The files that decide how a processor resizes, None for one that is not there; they are small."""
    paths = {name: folder / name for name in ("config.json", *FILES)}
    return {name: path.read_bytes() if path.is_file() else None for name, path in paths.items()}


def ramps_of(height: int, width: int) -> Tensor:
    """An image (1, 3, height, width) with values of 0 .. 255 that rise downwards, to the right, and to the left."""
    rows, columns = torch.linspace(0, 255, height)[:, None], torch.linspace(0, 255, width)
    return torch.stack([channel.expand(height, width) for channel in (rows, columns, 255 - columns)])[None]


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
