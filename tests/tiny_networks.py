"""Tiny networks with random weights, as the libraries' own code saves them: the oracles of docs/models.md.

A builder writes files into a folder and returns what the library's own forward pass makes of normalised images, at the
label's size: logits, or the logarithm of a mask model's scores.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import segmentation_models_pytorch as smp
import torch
import transformers as hf
from torch import Tensor, nn
from torch.nn import functional

CLASSES = tuple(f"class {letter}" for letter in "abcde")
SIZE = (64, 64)
Reference = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Case:
    """source: with {} for the folder. build: of files in it. pad: what images must be padded to."""

    source: str
    build: Callable[[Path], Reference]
    pad: int = 1
    size: tuple[int, int] = SIZE


def at_label_size(scores: Tensor, size: tuple[int, int] = SIZE) -> Tensor:
    return functional.interpolate(scores, size, mode="bilinear", align_corners=False)


def strengthened(network: Any, side: int = 128) -> Any:
    """Draw weights, and let BatchNorm see them, so that each layer shows in the logits: those of an initialiser are
    nearly constant. side: of the images that BatchNorm sees.
    """
    generator = torch.Generator().manual_seed(0)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, parameter[0].numel() ** -0.5, generator=generator)
        if norms:
            for norm in norms:
                norm.momentum = 1.0
            network.train()(torch.randn(2, 3, side, side, generator=generator))
    return network.eval()


# Transformers

LABELS = {"id2label": dict(enumerate(CLASSES)), "label2id": {name: k for k, name in enumerate(CLASSES)}}
VIT = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "image_size": 64, "patch_size": 16}
STAGES = ["stage1", "stage2", "stage3", "stage4"]


def swin() -> Any:
    heads, depths = [1, 1, 2, 2], [1, 1, 1, 1]
    return hf.SwinConfig(
        embed_dim=12, depths=depths, num_heads=heads, window_size=2, image_size=64, out_features=STAGES
    )


def convnext() -> Any:
    return hf.ConvNextConfig(hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], out_features=STAGES)


QUERIES = {"num_queries": 6, "encoder_layers": 1, "decoder_layers": 2, "num_attention_heads": 2}
WIDTHS = {"hidden_dim": 32, "encoder_feedforward_dim": 16, "dim_feedforward": 16}
# model type: its class's name in Transformers without "Config", the fields of a tiny one, and its class.
TRANSFORMERS: dict[str, tuple[str, Callable[[], dict[str, Any]], str]] = {
    "beit": (
        "Beit",
        lambda: VIT | {"intermediate_size": 32, "out_indices": [1, 2, 3, 4], "pool_scales": [1, 2]},
        "BeitForSemanticSegmentation",
    ),
    "data2vec-vision": (
        "Data2VecVision",
        lambda: VIT | {"intermediate_size": 32, "out_indices": [0, 1, 2, 3], "pool_scales": [1, 2]},
        "Data2VecVisionForSemanticSegmentation",
    ),
    "dpt": (
        "DPT",
        lambda: VIT
        | {
            "intermediate_size": 32, "backbone_out_indices": [0, 1, 2, 3], "neck_hidden_sizes": [8, 8, 8, 8],
            "fusion_hidden_size": 8,
        },
        "DPTForSemanticSegmentation",
    ),
    "mobilenet_v2": ("MobileNetV2", lambda: {"depth_multiplier": 0.35}, "MobileNetV2ForSemanticSegmentation"),
    "mobilevit": (
        "MobileViT",
        lambda: {
            "hidden_sizes": [12, 16, 20], "neck_hidden_sizes": [8, 8, 12, 16, 16, 20, 32], "num_attention_heads": 2,
            "image_size": 64, "aspp_out_channels": 16, "atrous_rates": [2, 4, 6],
        },
        "MobileViTForSemanticSegmentation",
    ),
    "mobilevitv2": (
        "MobileViTV2",
        lambda: {
            "width_multiplier": 0.25, "image_size": 64, "aspp_out_channels": 16, "atrous_rates": [2, 4, 6],
            "n_attn_blocks": [1, 1, 1],
        },
        "MobileViTV2ForSemanticSegmentation",
    ),
    "sapiens2": (
        "Sapiens2",
        lambda: {
            "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
            "num_key_value_attention_heads": 2, "num_first_full_attention_layers": 1,
            "num_last_full_attention_layers": 1, "num_register_tokens": 1, "image_size": 64,
            "head_config": {
                "upsample_out_channels": [8], "upsample_kernel_sizes": [4], "conv_out_channels": [8],
                "conv_kernel_sizes": [1],
            },
        },
        "Sapiens2ForSemanticSegmentation",
    ),
    "segformer": (
        "Segformer",
        lambda: {
            "hidden_sizes": [8, 16, 16, 32], "num_attention_heads": [1, 2, 2, 4], "depths": [1, 1, 1, 1],
            "decoder_hidden_size": 16,
        },
        "SegformerForSemanticSegmentation",
    ),
    "tipsv2_dpt": (
        "Tipsv2Dpt",
        lambda: {
            "backbone_config": hf.Tipsv2VisionConfig(
                hidden_size=16, num_hidden_layers=4, num_attention_heads=2, mlp_ratio=2, image_size=56, patch_size=14,
                out_indices=[1, 2, 3, 4], reshape_hidden_states=False,
            ),
            "neck_hidden_sizes": [8, 8, 8, 8],
            "fusion_hidden_size": 8,
        },
        "Tipsv2DptForSemanticSegmentation",
    ),
    "upernet": (
        "UperNet",
        lambda: {
            "backbone_config": convnext(), "hidden_size": 16, "pool_scales": [1, 2], "auxiliary_channels": 8,
            "auxiliary_in_channels": 16,
        },
        "UperNetForSemanticSegmentation",
    ),
    "mask2former": (
        "Mask2Former",
        lambda: {"backbone_config": swin(), "feature_size": 32, "mask_feature_size": 32} | QUERIES | WIDTHS,
        "Mask2FormerForUniversalSegmentation",
    ),
    "maskformer": (
        "MaskFormer",
        lambda: {
            "backbone_config": swin(), "fpn_feature_size": 32, "mask_feature_size": 32,
            "decoder_config": hf.DetrConfig(
                encoder_layers=1, decoder_layers=2, d_model=16, encoder_ffn_dim=16, decoder_ffn_dim=16,
                encoder_attention_heads=2, decoder_attention_heads=2, num_queries=6,
            ),
        },
        "MaskFormerForInstanceSegmentation",
    ),
    "oneformer": (
        "OneFormer",
        lambda: {
            "backbone_config": swin(), "conv_dim": 32, "mask_dim": 32, "text_encoder_width": 16,
            "text_encoder_context_length": 8, "text_encoder_num_layers": 1, "text_encoder_vocab_size": 40,
            "text_encoder_proj_layers": 1, "text_encoder_n_ctx": 4, "task_seq_len": 24, "max_seq_len": 24,
        }
        | QUERIES
        | WIDTHS,
        "OneFormerForUniversalSegmentation",
    ),
    "eomt": (
        "Eomt",
        lambda: VIT | {"num_blocks": 1, "num_queries": 6, "num_upscale_blocks": 1, "mlp_ratio": 2},
        "EomtForUniversalSegmentation",
    ),
    "eomt_dinov3": (
        "EomtDinov3",
        lambda: VIT | {"intermediate_size": 32, "num_blocks": 1, "num_queries": 6, "num_upscale_blocks": 1},
        "EomtDinov3ForUniversalSegmentation",
    ),
}  # fmt: skip


def make_transformers(model_type: str) -> Any:
    """Make a tiny network of a type with random weights."""
    stem, fields, kind = TRANSFORMERS[model_type]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = getattr(hf, kind)(getattr(hf, f"{stem}Config")(**fields(), **LABELS))
    return strengthened(network, SIZE[0] if model_type == "data2vec-vision" else 128)


def save_transformers(model_type: str, folder: Path) -> Any:
    """Save a tiny network, with an image processor that only normalises, and a OneFormer's tokenizer."""
    network = make_transformers(model_type)
    network.save_pretrained(folder)
    processor = {"image_processor_type": "SegformerImageProcessor", "do_resize": False}
    (folder / "preprocessor_config.json").write_text(json.dumps(processor), encoding="utf-8")
    if model_type == "oneformer":
        save_tokenizer(folder)
    return network


def save_tokenizer(folder: Path) -> None:
    """Save a tokenizer of CLIP's kind whose tokens are letters."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    (folder / "vocab.json").write_text(json.dumps({word: k for k, word in enumerate(words)}), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    tokenizer = {"tokenizer_class": "CLIPTokenizer", "pad_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer), encoding="utf-8")


def task_ids(folder: Path, length: int) -> Tensor:
    """The ids of OneFormer's task as its own processor makes them."""
    tokenizer = hf.AutoTokenizer.from_pretrained(folder)
    processor = object.__new__(hf.OneFormerProcessor)
    processor.tokenizer = tokenizer
    ids: Tensor = processor._preprocess_text(["the task is semantic"], max_length=length)
    return ids


def build_transformers(model_type: str, pad: int = 1) -> Callable[[Path], Reference]:
    def build(folder: Path) -> Reference:
        network = save_transformers(model_type, folder)
        task = {}
        if model_type == "oneformer":
            task = {"task_inputs": task_ids(folder, network.config.task_seq_len)}

        def reference(images: Tensor) -> Tensor:
            size = tuple(-(-side // pad) * pad for side in images.shape[2:])
            padded = functional.pad(images, (0, size[1] - images.shape[3], 0, size[0] - images.shape[2]))
            output = network(padded, **task)
            if "logits" in output:
                logits = functional.interpolate(output.logits, size, mode="bilinear", align_corners=False)
                return logits[:, :, : images.shape[2], : images.shape[3]]
            return masks_by_hand(output.class_queries_logits, output.masks_queries_logits)

        return reference

    return build


def masks_by_hand(classes: Tensor, masks: Tensor) -> Tensor:
    """Log of the scores of a mask model, query by query and class by class."""
    shares, covers = classes.softmax(-1), 1 / (1 + (-masks).exp())
    scores = torch.zeros(len(masks), classes.shape[2] - 1, *masks.shape[2:])
    for query in range(masks.shape[1]):
        for index in range(scores.shape[1]):
            scores[:, index] += shares[:, query, index, None, None] * covers[:, query]
    return at_label_size(scores).log()


# segmentation-models-pytorch, torchvision


def build_smp(architecture: str, encoder: str, **options: Any) -> Callable[[Path], Reference]:
    def build(folder: Path) -> Reference:
        kind = getattr(smp, architecture)
        network = strengthened(kind(encoder, encoder_weights=None, classes=len(CLASSES), **options))
        network.save_pretrained(folder)
        transform = {
            "__class_fullname__": "Normalize", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
            "max_pixel_value": 255.0, "normalization": "standard",
        }  # fmt: skip
        saved = {"transform": {"__class_fullname__": "Compose", "transforms": [transform]}}
        (folder / "albumentations_config_eval.json").write_text(json.dumps(saved), encoding="utf-8")
        return lambda images: at_label_size(network(images), (images.shape[2], images.shape[3]))

    return build


def build_torchvision(name: str) -> Callable[[Path], Reference]:
    def build(folder: Path) -> Reference:
        from torchvision.models import get_model

        network = strengthened(get_model(name, weights=None, weights_backbone=None, num_classes=len(CLASSES)))
        torch.save({"model": network.state_dict()}, folder / "weights.pth")
        return lambda images: at_label_size(network(images)["out"])

    return build


# Any torch network


class Net(nn.Module):
    """Two convolutions at stride 2."""

    def __init__(self, num_classes: int = len(CLASSES)) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.last = nn.Conv2d(8, num_classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.last(self.norm(self.first(images)).relu())
        return logits


SCRIPT = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.last = nn.Conv2d(8, num_classes, 1)

    def forward(self, images):
        return {"out": self.last(self.norm(self.first(images)).relu()), "aux": None}

def build(num_classes):
    return Net(num_classes)
"""


def build_factory(folder: Path) -> Reference:
    network = strengthened(Net())
    (folder / "my_network.py").write_text(SCRIPT, encoding="utf-8")
    wrapped = {f"model.module.{key}": value for key, value in network.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": wrapped}, folder / "last.ckpt")
    return lambda images: at_label_size(network(images))


def build_onnx(form: str) -> Callable[[Path], Reference]:
    """form: free, fixed, or external (weights in a file of their own)."""

    def build(folder: Path) -> Reference:
        import onnx
        from onnx import helper, numpy_helper

        network = strengthened(Net())
        names = ("first.weight", "first.bias", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var")
        names = (*names, "last.weight", "last.bias")
        state = network.state_dict()
        tensors = [numpy_helper.from_array(state[name].numpy(), name) for name in names]
        nodes = [
            helper.make_node("Conv", ["image", "first.weight", "first.bias"], ["a"], strides=[2, 2], pads=[1] * 4),
            helper.make_node("BatchNormalization", ["a", *names[2:6]], ["b"]),
            helper.make_node("Relu", ["b"], ["c"]),
            helper.make_node("Conv", ["c", "last.weight", "last.bias"], ["logits"]),
        ]
        sizes: tuple[Any, ...] = (1, *SIZE) if form == "fixed" else ("B", "H", "W")
        halves: tuple[Any, ...] = (1, 32, 32) if form == "fixed" else ("B", "h", "w")
        image, logits = (
            helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [batch, channels, *sides])
            for name, channels, (batch, *sides) in (("image", 3, sizes), ("logits", len(CLASSES), halves))
        )
        graph = helper.make_graph(nodes, "net", [image], [logits], tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        external = {"save_as_external_data": True, "location": "net.onnx.data", "size_threshold": 0}
        onnx.save(model, folder / "net.onnx", **(external if form == "external" else {}))
        return lambda images: at_label_size(network(images))

    return build


def build_pt2(form: str) -> Callable[[Path], Reference]:
    """form: free or fixed."""

    def build(folder: Path) -> Reference:
        network = strengthened(Net())
        free = {"images": {0: torch.export.Dim("b"), 2: torch.export.Dim("h", min=8), 3: torch.export.Dim("w", min=8)}}
        example = torch.zeros(2 if form == "free" else 1, 3, *SIZE)
        program = torch.export.export(network, (example,), dynamic_shapes=free if form == "free" else None)
        torch.export.save(program, folder / "net.pt2")
        return lambda images: at_label_size(network(images))

    return build


SMP = {
    "Unet": {}, "UnetPlusPlus": {}, "MAnet": {}, "Linknet": {}, "FPN": {}, "PSPNet": {}, "DeepLabV3": {},
    "DeepLabV3Plus": {}, "UPerNet": {}, "Segformer": {},
}  # fmt: skip
CASES = {
    **{
        f"Transformers {model_type}": Case("hf:{}", build_transformers(model_type, 14 if pad else 1), 14 if pad else 1)
        for model_type in TRANSFORMERS
        for pad in [model_type == "tipsv2_dpt"]
    },
    "Transformers segformer, the library's network": Case("hf:{}?native=false", build_transformers("segformer")),
    **{f"smp {name}": Case("smp:{}", build_smp(name, "tu-test_resnet", **options)) for name, options in SMP.items()},
    "smp PAN": Case("smp:{}", build_smp("PAN", "tu-test_resnet"), size=(128, 128)),
    "smp DPT": Case("smp:{}", build_smp("DPT", "tu-test_vit")),
    **{
        f"torchvision {name}": Case(f"torchvision:{name}@{{}}/weights.pth", build_torchvision(name))
        for name in ("fcn_resnet50", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large")
    },
    **{
        f"ONNX, {words}": Case("onnx:{}/net.onnx", build_onnx(form))
        for form, words in {
            "free": "free batch and sides",
            "fixed": "batch 1, fixed sides",
            "external": "weights in a file of their own",
        }.items()
    },
    "torch.export, free sides": Case("pt2:{}/net.pt2", build_pt2("free")),
    "torch.export, fixed sides": Case("pt2:{}/net.pt2", build_pt2("fixed")),
    "a function of one's own": Case("{}/my_network.py:build@{}/last.ckpt", build_factory),
}
