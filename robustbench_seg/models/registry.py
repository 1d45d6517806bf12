"""The registry of models: what ships, what a script adds, and what other installed packages offer."""

from dataclasses import replace
from pathlib import Path

from ..errors import UsageError
from ..family import Family
from .entry import Model

__all__ = ["BUILTIN_WEIGHTS", "DEEPLABV3PLUS_ENCODERS", "MODELS", "RANDOM_WEIGHTS", "look_up"]

DEEPLABV3PLUS_ENCODERS = (
    "mobilenet_v2", "resnet50", "resnet101", "tu-xception41", "tu-xception65", "tu-xception71",
)  # fmt: skip
WEIGHTS = Path(__file__).parent / "weights"
BUILTIN = {
    "segformer-b0": {
        "builtin:streets-b0": WEIGHTS / "segformer-b0-streets.safetensors",
        "builtin:streets-b0-learned": WEIGHTS / "segformer-b0-learned-streets.safetensors",
    },
    "deeplabv3plus-mobilenet_v2": {
        "builtin:streets-deeplabv3plus": WEIGHTS / "deeplabv3plus-mobilenet_v2-streets.safetensors",
    },
}
SEGFORMER = Model(name="", module=".segformer", shipped=True, trainable=True, encoder_files=True, hub=True)
DEEPLABV3PLUS = Model(name="", module=".deeplabv3plus", shipped=True, pools_images=True, channels_last=True)
SHIPPED = (
    *(replace(SEGFORMER, name=f"segformer-b{k}", variant=f"b{k}") for k in range(6)),
    *(
        replace(DEEPLABV3PLUS, name=f"deeplabv3plus-{encoder}", variant=encoder, trainable=True)
        for encoder in DEEPLABV3PLUS_ENCODERS
    ),
    replace(DEEPLABV3PLUS, name="deeplabv3plus"),  # with whichever encoder its files have
    Model(name="constant", module=".constant", shipped=True, needs_weights=False),
    # Kinds of sources: the place that follows is what `load` reads.
    Model(name="hf", module=".hf", form="hf:FOLDER_OR_ID", shipped=True, hub=True),
    Model(name="smp", module=".smp", form="smp:FOLDER_OR_ID", shipped=True, hub=True),
    Model(name="torchvision", module=".torchvision", form="torchvision:NETWORK@FILE", shipped=True),
    Model(name="onnx", module=".onnx", form="onnx:FILE", shipped=True, fp32_only=True),  # the graph decides it
    Model(name="pt2", module=".pt2", form="pt2:FILE", shipped=True),
    Model(name="factory", module=".factory", form="FILE.py:FUNCTION[@FILE]", shipped=True),
)
MODELS = Family("model", Model, {model.name: replace(model, builtin=BUILTIN.get(model.name, {})) for model in SHIPPED})
# Words that may stand where a path to weights stands.
RANDOM_WEIGHTS = "random"  # for speed, which does not depend on them
BUILTIN_WEIGHTS = {word: path for files in BUILTIN.values() for word, path in files.items()}


def look_up(name: str) -> Model:
    """Find a model. Raises UsageError for an unknown name, which lists the known ones."""
    if name not in MODELS:
        raise UsageError(f"unknown model {name!r}; known: {', '.join(MODELS)}")
    return MODELS[name]
