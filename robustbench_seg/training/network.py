"""Make the network of a recipe, and save its trained weights."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from segformer import CheckpointInfo

from ..files import canonical_json, digest
from ..models import build_network, save_network, start_from_encoder
from .recipe import Recipe

__all__ = ["Origin", "make_network", "save_weights"]

TRAINING_VERSION = 1  # rises if the same recipe would yield other weights; then an older run can't be resumed


@dataclass(frozen=True)
class Origin:
    """The origin of trained weights: a recipe, and the file of the initial encoder, if any."""

    recipe: Recipe
    encoder: CheckpointInfo | None

    def identity(self, fingerprint: str) -> str:
        """Hash everything that decides the weights. fingerprint: of the training images."""
        return digest(
            [
                TRAINING_VERSION,
                self.recipe.deciding_fields(),
                *([self.encoder.sha256] if self.encoder else []),
                fingerprint,
            ]
        )

    @property
    def licence(self) -> str:
        """The licence of the weights: the recipe's, and the encoder's."""
        return f"{self.recipe.licence}; encoder: {self.encoder.licence}" if self.encoder else self.recipe.licence

    @property
    def about(self) -> str:
        """The recipe as JSON, with the encoder's hash and licence."""
        fields = self.recipe.model_dump(mode="json", exclude_none=True)
        if self.encoder:
            fields |= {"encoder_sha256": self.encoder.sha256, "encoder_licence": self.encoder.licence}
        return canonical_json(fields)


def make_network(recipe: Recipe, class_names: tuple[str, ...], device: torch.device) -> tuple[nn.Module, Origin]:
    """Make the network in training mode. Weights are random, except an encoder that starts from a file.

    Raises UsageError for a model or options that are not allowed and for a missing encoder file, CheckpointError for an
    encoder that does not fit.
    """
    network = build_network(recipe.model, class_names, seed=recipe.seed, **recipe.model_options)
    encoder = start_from_encoder(recipe.model, network, recipe.encoder) if recipe.encoder else None
    if recipe.channels_last:
        network.to(memory_format=torch.channels_last)
    return network.to(device).train(), Origin(recipe, encoder)


def save_weights(network: nn.Module, path: Path, origin: Origin, class_names: tuple[str, ...]) -> None:
    """Write the trained weights in half precision, with their recipe and licence."""
    save_network(
        origin.recipe.model,
        network.cpu(),
        path,
        class_names=class_names,
        licence=origin.licence,
        recipe=origin.about,
    )
