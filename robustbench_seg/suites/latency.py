"""What a suite times, checked."""

from typing import Annotated, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from ..yaml_files import Strict

__all__ = ["LatencySpec"]

Side = Annotated[int, Field(ge=32)]


class LatencySpec(Strict):
    """Input sizes (height, width) and batches to time, until min_samples and min_seconds, at most max_seconds."""

    sizes: tuple[tuple[Side, Side], ...] = Field(min_length=1)
    batches: tuple[PositiveInt, ...] = (1,)
    min_samples: int = Field(30, ge=10)
    min_seconds: PositiveFloat = 10.0
    max_seconds: PositiveFloat = 120.0

    @model_validator(mode="after")
    def budget_has_room(self) -> Self:
        if self.min_seconds > self.max_seconds:
            raise ValueError(f"min_seconds {self.min_seconds:g} is more than max_seconds {self.max_seconds:g}")
        return self
