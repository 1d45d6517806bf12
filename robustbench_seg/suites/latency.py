"""What a suite times, checked."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from ..yaml_files import Number, Strict, Whole

__all__ = ["LatencySpec"]

Side = Annotated[Whole, Field(ge=32)]
Positive = Annotated[Number, Field(gt=0)]


class LatencySpec(Strict):
    """Input sizes (height, width) and batches to time, until min_samples and min_seconds, at most max_seconds."""

    sizes: tuple[tuple[Side, Side], ...] = Field(min_length=1)
    batches: tuple[Annotated[Whole, Field(ge=1)], ...] = (1,)
    min_samples: Whole = Field(30, ge=10)
    min_seconds: Positive = 10.0
    max_seconds: Positive = 120.0

    @model_validator(mode="after")
    def budget_has_room(self) -> Self:
        if self.min_seconds > self.max_seconds:
            raise ValueError(f"min_seconds {self.min_seconds:g} is more than max_seconds {self.max_seconds:g}")
        return self
