"""How a graph was made from another one in int8: what decides its numbers, kept in its metadata."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from ..wording import conjoin, counted

__all__ = ["Quantisation"]

SHOWN = 12  # characters of a hash that tell it from others


@dataclass(frozen=True, kw_only=True)
class Quantisation:
    """Static quantisation by onnxruntime, in its form QDQ: pairs of QuantizeLinear and DequantizeLinear.

    method: how ranges follow from calibration images, such as MinMax. per_channel: whether each output channel of
    weights has its own scale. operators: those with inputs and outputs in int8; others compute in float32. onnxruntime:
    its version. weights_sha256: of the float weights. data, split, view: of the calibration images, images: how many,
    image_ids: the hash of their ids, fingerprint: of their pixels.
    """

    method: str
    per_channel: bool
    operators: tuple[str, ...]
    onnxruntime: str
    weights_sha256: str
    data: str
    split: str
    view: str
    images: int
    image_ids: str
    fingerprint: str

    def __str__(self) -> str:
        return (
            f"int8 by onnxruntime {self.onnxruntime}'s static quantisation of weights {self.weights_sha256[:SHOWN]} "
            f"({conjoin(self.operators)}; weights per {'channel' if self.per_channel else 'tensor'}; activations by "
            f"{self.method} on {counted(self.images, 'image')} of {self.data} {self.split}, view {self.view}, ids "
            f"{self.image_ids[:SHOWN]})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain JSON."""
        return asdict(self) | {"operators": list(self.operators)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_dict` made. Raises ValueError for other content."""
        if value.keys() != {field.name for field in fields(cls)}:
            raise ValueError(f"fields {sorted(value)}")
        return cls(**{**value, "operators": tuple(map(str, value["operators"])), "images": int(value["images"])})
