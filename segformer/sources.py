"""The forms in which other programs store a SegFormer's weights: key names, and constants that the files lack.

A table maps prefixes of our keys to prefixes of theirs: {i} is the stage from 0, {n} the stage from 1, {j} the block.
If a side has several prefixes, its tensors are stacked along the first axis; the stacks of both sides are equal. Each
table is read in both directions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["NVIDIA_LICENCE", "NVLABS", "SOURCES", "TRANSFORMERS_4", "UNKNOWN_LICENCE", "Prefixes", "Source"]

Prefixes = str | tuple[str, ...]

NVIDIA_LICENCE = "research only (NVIDIA Source Code License for SegFormer)"
UNKNOWN_LICENCE = "unknown (NVIDIA's released weights are research only)"


@dataclass(frozen=True, kw_only=True)
class Source:
    """One form of a checkpoint.

    keys: the table, ours to theirs. convolutions: their prefixes of 1x1 convolutions that are linear maps in ours.
    encoder_prefix: prefix of the encoder's keys; some files with only an encoder lack it. unused: prefixes of keys that
    no forward pass reads. decoder, norm_eps, embedding_norm_eps: as in SegFormerConfig; constants in the program's
    code. licence: of the weights that are released in this form.
    """

    name: str
    keys: Mapping[Prefixes, Prefixes]
    convolutions: tuple[str, ...]
    encoder_prefix: str
    unused: tuple[str, ...]
    decoder: Literal["mlp", "mmseg"]
    norm_eps: float
    embedding_norm_eps: float
    licence: str


NVLABS = Source(
    name="NVlabs",
    keys={
        "encoder.stages.{i}.embed.project.": "backbone.patch_embed{n}.proj.",
        "encoder.stages.{i}.embed.norm.": "backbone.patch_embed{n}.norm.",
        "encoder.stages.{i}.blocks.{j}.norm1.": "backbone.block{n}.{j}.norm1.",
        "encoder.stages.{i}.blocks.{j}.attention.query.": "backbone.block{n}.{j}.attn.q.",
        "encoder.stages.{i}.blocks.{j}.attention.key_value.": "backbone.block{n}.{j}.attn.kv.",
        "encoder.stages.{i}.blocks.{j}.attention.reduce.": "backbone.block{n}.{j}.attn.sr.",
        "encoder.stages.{i}.blocks.{j}.attention.reduce_norm.": "backbone.block{n}.{j}.attn.norm.",
        "encoder.stages.{i}.blocks.{j}.attention.project.": "backbone.block{n}.{j}.attn.proj.",
        "encoder.stages.{i}.blocks.{j}.norm2.": "backbone.block{n}.{j}.norm2.",
        "encoder.stages.{i}.blocks.{j}.ffn.expand.": "backbone.block{n}.{j}.mlp.fc1.",
        "encoder.stages.{i}.blocks.{j}.ffn.mix.": "backbone.block{n}.{j}.mlp.dwconv.dwconv.",
        "encoder.stages.{i}.blocks.{j}.ffn.contract.": "backbone.block{n}.{j}.mlp.fc2.",
        "encoder.stages.{i}.norm.": "backbone.norm{n}.",
        "decoder.project.{i}.": "decode_head.linear_c{n}.proj.",
        "decoder.fuse.": "decode_head.linear_fuse.conv.",
        "decoder.norm.": "decode_head.linear_fuse.bn.",
        "decoder.classify.": "decode_head.linear_pred.",
    },
    convolutions=("decode_head.linear_fuse.conv.",),
    encoder_prefix="backbone.",
    unused=("decode_head.conv_seg.", "head."),
    decoder="mlp",
    norm_eps=1e-6,
    embedding_norm_eps=1e-5,
    licence=NVIDIA_LICENCE,
)

MMSEGMENTATION = Source(
    name="MMSegmentation",
    keys={
        "encoder.stages.{i}.embed.project.": "backbone.layers.{i}.0.projection.",
        "encoder.stages.{i}.embed.norm.": "backbone.layers.{i}.0.norm.",
        "encoder.stages.{i}.blocks.{j}.norm1.": "backbone.layers.{i}.1.{j}.norm1.",
        (
            "encoder.stages.{i}.blocks.{j}.attention.query.",
            "encoder.stages.{i}.blocks.{j}.attention.key_value.",
        ): "backbone.layers.{i}.1.{j}.attn.attn.in_proj_",
        "encoder.stages.{i}.blocks.{j}.attention.reduce.": "backbone.layers.{i}.1.{j}.attn.sr.",
        "encoder.stages.{i}.blocks.{j}.attention.reduce_norm.": "backbone.layers.{i}.1.{j}.attn.norm.",
        "encoder.stages.{i}.blocks.{j}.attention.project.": "backbone.layers.{i}.1.{j}.attn.attn.out_proj.",
        "encoder.stages.{i}.blocks.{j}.norm2.": "backbone.layers.{i}.1.{j}.norm2.",
        "encoder.stages.{i}.blocks.{j}.ffn.expand.": "backbone.layers.{i}.1.{j}.ffn.layers.0.",
        "encoder.stages.{i}.blocks.{j}.ffn.mix.": "backbone.layers.{i}.1.{j}.ffn.layers.1.",
        "encoder.stages.{i}.blocks.{j}.ffn.contract.": "backbone.layers.{i}.1.{j}.ffn.layers.4.",
        "encoder.stages.{i}.norm.": "backbone.layers.{i}.2.",
        "decoder.project.{i}.": "decode_head.convs.{i}.conv.",
        "decoder.project_norm.{i}.": "decode_head.convs.{i}.bn.",
        "decoder.fuse.": "decode_head.fusion_conv.conv.",
        "decoder.norm.": "decode_head.fusion_conv.bn.",
        "decoder.classify.": "decode_head.conv_seg.",
    },
    convolutions=("backbone.layers.{i}.1.{j}.ffn.layers.0.", "backbone.layers.{i}.1.{j}.ffn.layers.4."),
    encoder_prefix="backbone.",
    unused=(),
    decoder="mmseg",
    norm_eps=1e-6,
    embedding_norm_eps=1e-6,
    licence=NVIDIA_LICENCE,  # its models start from NVIDIA's ImageNet encoders
)

# Transformers 4 writes these keys, and 5 does unless `save_original_format=False`.
TRANSFORMERS_4 = Source(
    name="Transformers",
    keys={
        "encoder.stages.{i}.embed.project.": "segformer.encoder.patch_embeddings.{i}.proj.",
        "encoder.stages.{i}.embed.norm.": "segformer.encoder.patch_embeddings.{i}.layer_norm.",
        "encoder.stages.{i}.blocks.{j}.norm1.": "segformer.encoder.block.{i}.{j}.layer_norm_1.",
        "encoder.stages.{i}.blocks.{j}.attention.query.": "segformer.encoder.block.{i}.{j}.attention.self.query.",
        "encoder.stages.{i}.blocks.{j}.attention.key_value.": (
            "segformer.encoder.block.{i}.{j}.attention.self.key.",
            "segformer.encoder.block.{i}.{j}.attention.self.value.",
        ),
        "encoder.stages.{i}.blocks.{j}.attention.reduce.": "segformer.encoder.block.{i}.{j}.attention.self.sr.",
        "encoder.stages.{i}.blocks.{j}.attention.reduce_norm.": (
            "segformer.encoder.block.{i}.{j}.attention.self.layer_norm."
        ),
        "encoder.stages.{i}.blocks.{j}.attention.project.": "segformer.encoder.block.{i}.{j}.attention.output.dense.",
        "encoder.stages.{i}.blocks.{j}.norm2.": "segformer.encoder.block.{i}.{j}.layer_norm_2.",
        "encoder.stages.{i}.blocks.{j}.ffn.expand.": "segformer.encoder.block.{i}.{j}.mlp.dense1.",
        "encoder.stages.{i}.blocks.{j}.ffn.mix.": "segformer.encoder.block.{i}.{j}.mlp.dwconv.dwconv.",
        "encoder.stages.{i}.blocks.{j}.ffn.contract.": "segformer.encoder.block.{i}.{j}.mlp.dense2.",
        "encoder.stages.{i}.norm.": "segformer.encoder.layer_norm.{i}.",
        "decoder.project.{i}.": "decode_head.linear_c.{i}.proj.",
        "decoder.fuse.": "decode_head.linear_fuse.",
        "decoder.norm.": "decode_head.batch_norm.",
        "decoder.classify.": "decode_head.classifier.",
    },
    convolutions=("decode_head.linear_fuse.",),
    encoder_prefix="segformer.",
    unused=("classifier.",),
    decoder="mlp",
    norm_eps=1e-5,  # Transformers ignores layer_norm_eps in config.json
    embedding_norm_eps=1e-5,
    licence=UNKNOWN_LICENCE,
)

# Transformers 5's internal names.
TRANSFORMERS_5 = Source(
    name="Transformers",
    keys={
        "encoder.stages.{i}.embed.project.": "segformer.stages.{i}.patch_embeddings.proj.",
        "encoder.stages.{i}.embed.norm.": "segformer.stages.{i}.patch_embeddings.layer_norm.",
        "encoder.stages.{i}.blocks.{j}.norm1.": "segformer.stages.{i}.blocks.{j}.layernorm_before.",
        "encoder.stages.{i}.blocks.{j}.attention.query.": "segformer.stages.{i}.blocks.{j}.attention.q_proj.",
        "encoder.stages.{i}.blocks.{j}.attention.key_value.": (
            "segformer.stages.{i}.blocks.{j}.attention.k_proj.",
            "segformer.stages.{i}.blocks.{j}.attention.v_proj.",
        ),
        "encoder.stages.{i}.blocks.{j}.attention.reduce.": (
            "segformer.stages.{i}.blocks.{j}.attention.sequence_reduction.sequence_reduction."
        ),
        "encoder.stages.{i}.blocks.{j}.attention.reduce_norm.": (
            "segformer.stages.{i}.blocks.{j}.attention.sequence_reduction.layer_norm."
        ),
        "encoder.stages.{i}.blocks.{j}.attention.project.": "segformer.stages.{i}.blocks.{j}.attention.o_proj.",
        "encoder.stages.{i}.blocks.{j}.norm2.": "segformer.stages.{i}.blocks.{j}.layernorm_after.",
        "encoder.stages.{i}.blocks.{j}.ffn.expand.": "segformer.stages.{i}.blocks.{j}.mlp.fc1.",
        "encoder.stages.{i}.blocks.{j}.ffn.mix.": "segformer.stages.{i}.blocks.{j}.mlp.dwconv.dwconv.",
        "encoder.stages.{i}.blocks.{j}.ffn.contract.": "segformer.stages.{i}.blocks.{j}.mlp.fc2.",
        "encoder.stages.{i}.norm.": "segformer.stages.{i}.layer_norm.",
        "decoder.project.{i}.": "decode_head.linear_projections.{i}.proj.",
        "decoder.fuse.": "decode_head.linear_fuse.",
        "decoder.norm.": "decode_head.batch_norm.",
        "decoder.classify.": "decode_head.classifier.",
    },
    convolutions=("decode_head.linear_fuse.",),
    encoder_prefix="segformer.",
    unused=("classifier.",),
    decoder="mlp",
    norm_eps=1e-5,
    embedding_norm_eps=1e-5,
    licence=UNKNOWN_LICENCE,
)

SOURCES = (NVLABS, MMSEGMENTATION, TRANSFORMERS_4, TRANSFORMERS_5)
