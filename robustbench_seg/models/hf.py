"""Networks of Transformers (extra `hf`): for semantic segmentation, and mask models that segment by queries.

Weights are safetensors, or pickles of plain tensors; code that a repository brings along never runs. Images are fed
with the numbers of the folder's image processor, at the sizes of the suite's views. A SegFormer goes through this
project's own network, which gives equal logits, unless `native=false` asks for the library's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segformer.files import identity_of, read_json
from segformer.huggingface import licence_of, repository_of
from segformer.preprocessor import FILES, read_preprocessor
from segformer.shards import WEIGHTS, refuse_outside

from ..errors import UsageError, in_one_line, missing_extra
from ..files import digest
from ..wording import counted, listed
from .base import NetworkSegmenter, extend_identity, unchanged
from .foreign import Facts, wrap
from .hf_processor import ProcessorResize
from .hub import fetch
from .preprocessing import Preprocessing
from .request import Request
from .segformer import read_network, wrap_network

__all__ = ["load"]

TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json", "merges.txt")
TASK = "the task is semantic"
# They have queries, but of boxes or of videos: no map of classes follows from them as from the others'.
NO_MAPS = ("detr", "videomt")
# Image processors whose defaults are not ImageNet's, by the type of network: of files that name none.
USUAL = {
    "beit": "BeitImageProcessor",
    "data2vec-vision": "BeitImageProcessor",
    "dpt": "DPTImageProcessor",
    "mobilenet_v2": "MobileNetV2ImageProcessor",
    "mobilevit": "MobileViTImageProcessor",
    "mobilevitv2": "MobileViTImageProcessor",
    "tipsv2_dpt": "Tipsv2DptImageProcessor",
}


class WithTask(nn.Module):
    """A OneFormer that is told its task: token ids (1, length), the same for each image."""

    def __init__(self, network: nn.Module, task: Tensor) -> None:
        super().__init__()
        self.network = network
        self.task: Tensor
        self.register_buffer("task", task)

    def forward(self, images: Tensor) -> Any:
        return self.network(images, task_inputs=self.task.expand(len(images), -1))


def load(request: Request) -> NetworkSegmenter:
    """Read a folder that Transformers saved, or a repository on the hub.

    Raises UsageError for a network that is none for segmentation, or that lacks weights; CheckpointError for files that
    can't be read; MachineError without Transformers.
    """
    folder = fetch(request, also=TOKENIZER)
    with unchanged(folder / name for name in ("config.json", *FILES)):  # they are read for several purposes
        config = read_json(folder / "config.json") if (folder / "config.json").is_file() else {}
        if not config:
            raise UsageError(f"{folder}: needs config.json and weights, as Transformers' save_pretrained writes them")
        if config.get("model_type") == "segformer" and request.options.native:
            network = read_network(request)
            numbered = tuple(f"LABEL_{k}" for k in range(network.config.num_classes))  # as Transformers calls them
            made = wrap_network(network, request, network.info.class_names or numbered)
        else:
            made = load_with_library(request, folder, config)
        processor = read_preprocessor(folder)
        made.preprocessing = preprocessing_of(processor, folder, USUAL.get(config["model_type"], ""))
        if made.preprocessing != preprocessing_of(processor, folder):  # which earlier versions took
            extend_identity(made, *made.preprocessing.numbers)
        if processor:
            made.resize = ProcessorResize(folder)
    return made


def load_with_library(request: Request, folder: Path, config: dict[str, Any]) -> NetworkSegmenter:
    """Read a folder with Transformers' own classes."""
    with quiet() as library:
        kind = class_for(library, config.get("model_type"), folder)
        files = list(files_of(folder, config))
        with unchanged(files):
            identity = identity_of(files, folder)
            try:
                network, loading = kind.from_pretrained(
                    folder,
                    output_loading_info=True,
                    local_files_only=True,
                    trust_remote_code=False,
                    weights_only=True,
                    low_cpu_mem_usage=True,
                    dtype=torch.float32,  # else what it computes for itself is as coarse as the weights in the file
                )
                tokens = tokens_of(library, folder, network) if config["model_type"] == "oneformer" else None
            except UsageError:
                raise
            except Exception as error:  # Transformers raises all kinds for files that it can't make a network of
                reason = in_one_line(error)
                raise UsageError(f"{folder}: Transformers can't read it ({reason:.300})") from None
    if missing := sorted(map(str, loading["missing_keys"])):
        lack = counted(len(missing), "weight")
        raise UsageError(f"{folder}: lacks {lack} of its network: {listed(missing, 10)}")
    unread = len(loading["unexpected_keys"])
    left_out = f", {counted(unread, 'tensor')} of the file left out" if unread else ""
    is_segformer = config["model_type"] == "segformer"
    more = ["transformers"] if is_segformer else ["float32"] if had_coarse_table(network, config) else []
    licence = licence_of(config, folder, repository_of(request.weights)) if is_segformer else config.get("license")
    return wrap(
        network if tokens is None else WithTask(network, tokens),
        request,
        Facts(
            where=str(folder),
            identity=digest([identity, *more]) if more else identity,
            about=f"{type(network).__name__} of Transformers {library.__version__}{left_out}",
            names=tuple(str(network.config.id2label[k]).strip() for k in range(network.config.num_labels)),
            outputs=network.config.num_labels,
            licence=str(licence or ""),
            likely=likely_size(network.config),
        ),
    )


def class_for(library: Any, model_type: object, folder: Path) -> Any:
    """Choose Transformers' class by the type in config.json. Raises UsageError for a type that does not segment."""
    names = library.models.auto.modeling_auto
    semantic = names.MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES
    universal = names.MODEL_FOR_UNIVERSAL_SEGMENTATION_MAPPING_NAMES
    if model_type in semantic:
        return library.AutoModelForSemanticSegmentation
    if model_type in universal and model_type not in NO_MAPS:
        return library.AutoModelForUniversalSegmentation
    types = ", ".join(sorted({*semantic, *universal} - set(NO_MAPS)))
    raise UsageError(
        f"{folder / 'config.json'}: model_type is {model_type!r}; those that segment images here are {types}"
    )


def files_of(folder: Path, config: dict[str, Any]) -> Iterator[Path]:
    """List the files that decide logits. Raises UsageError where there are no weights, or an adapter is to be added."""
    if (folder / "adapter_config.json").is_file():
        raise UsageError(f"{folder}: has an adapter, which is not applied here; merge it into the weights first")
    names = ["config.json", *FILES, *(TOKENIZER if config.get("model_type") == "oneformer" else ())]
    yield from (folder / name for name in names if (folder / name).is_file())
    weights = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if weights is None:
        raise UsageError(f"{folder}: needs weights: {' or '.join(WEIGHTS)}")
    yield weights
    if weights.suffix == ".json":
        shards = sorted(set(map(str, dict(read_json(weights).get("weight_map") or {}).values())))
        for name in shards:
            refuse_outside(weights, name)
            if not (folder / name).is_file():
                raise UsageError(f"{weights}: names {name}, which is not there")
            yield folder / name


def had_coarse_table(network: nn.Module, config: dict[str, Any]) -> bool:
    """Whether earlier versions may have computed Swin v2's table of positions in the half precision of its weights."""
    has_table = any(name.endswith("relative_coords_table") for name, _ in network.named_buffers())
    return has_table and (config.get("dtype") or config.get("torch_dtype")) != "float32"


def preprocessing_of(processor: str, folder: Path, usual: str = "") -> Preprocessing:
    """Read a folder's image processor, of the usual class if it names none; ImageNet's numbers where there is none.

    processor: of `read_preprocessor`.
    """
    origin = "of its image processor" if processor else "its folder has no image processor"
    return replace(Preprocessing.from_json(processor, f"image processor of {folder}", usual), origin=origin)


def likely_size(config: Any) -> tuple[int, int] | None:
    """The size that a network was made for, where its configuration has one: it may take no other."""
    size = getattr(config, "image_size", None) or getattr(getattr(config, "backbone_config", None), "image_size", None)
    match size:
        case int():
            return size, size
        case [int(height), int(width)]:
            return height, width
    return None


def tokens_of(library: Any, folder: Path, network: Any) -> Tensor:
    """Turn the task into token ids as OneFormer's processor does: the ids of padding are 0."""
    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.json")):
        raise UsageError(f"{folder}: a OneFormer needs its tokenizer next to it, tokenizer.json or vocab.json")
    tokenizer = library.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    length = network.config.task_seq_len
    tokens = tokenizer([TASK], padding="max_length", max_length=length, truncation=True, return_tensors="pt")
    ids: Tensor = tokens["input_ids"] * tokens["attention_mask"]
    return ids


@contextmanager
def quiet() -> Iterator[Any]:
    """Import Transformers and keep it from writing to the terminal. Raises MachineError without it."""
    try:
        import transformers
    except ImportError:
        raise missing_extra("hf: needs Transformers", "hf") from None
    log: Any = transformers.utils.logging
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield transformers
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()
