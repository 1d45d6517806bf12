"""Shapes of results that are not worked out again are what torch works out each time."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from segformer.shapes import KnownShapes


def on_meta(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.empty(*shape, dtype=dtype, device="meta")


IMAGE, LAST = on_meta(2, 4, 9, 11), on_meta(2, 4, 9, 11).to(memory_format=torch.channels_last)
WHOLE = on_meta(2, 4, 9, 11, dtype=torch.int64)
WEIGHTS = on_meta(6, 4, 3, 3)

OPERATIONS: dict[str, Callable[[], Tensor | tuple[Tensor, ...]]] = {
    "a convolution": lambda: functional.conv2d(IMAGE, WEIGHTS),
    "a convolution with another stride": lambda: functional.conv2d(IMAGE, WEIGHTS, stride=2, padding=1),
    "a convolution in other strides of memory": lambda: functional.conv2d(LAST, WEIGHTS),
    "a norm": lambda: functional.layer_norm(IMAGE, (11,)),
    "an integer and an integer": lambda: WHOLE * 2,
    "an integer and a real number": lambda: WHOLE * 2.0,
    "an integer and True": lambda: WHOLE * True,
    "a half and a single": lambda: IMAGE.half() + IMAGE,
    "several results": lambda: torch.max(IMAGE, dim=1),
    "several results of another dimension": lambda: torch.max(IMAGE, dim=2),
    "two tensors as one": lambda: torch.cat([IMAGE, IMAGE], dim=1),
    "three tensors as one": lambda: torch.cat([IMAGE, IMAGE, IMAGE], dim=1),
    "a view": lambda: IMAGE.permute(0, 2, 3, 1)[:, 1:],
    "a resized map": lambda: functional.interpolate(IMAGE, (3, 5), mode="bilinear"),
    "a new tensor": lambda: torch.zeros(3, 5, device="meta"),
}


def described(result: Tensor | tuple[Tensor, ...]) -> list[tuple[object, ...]]:
    results = [result] if isinstance(result, Tensor) else list(result)
    return [(each.shape, each.stride(), each.dtype, each.device) for each in results]


def test_a_second_call_has_the_shape_strides_and_type_of_torch() -> None:
    expected = {name: described(operation()) for name, operation in OPERATIONS.items()}
    with KnownShapes():
        for _ in range(2):
            assert {name: described(operation()) for name, operation in OPERATIONS.items()} == expected


def test_each_call_gives_a_tensor_of_its_own() -> None:
    with KnownShapes():
        first, second = IMAGE + 1, IMAGE + 1
        first.unsqueeze_(0)
    assert first.shape == (1, *IMAGE.shape)
    assert second.shape == IMAGE.shape


def test_tensors_with_values_are_computed() -> None:
    with KnownShapes():
        assert [float(torch.tensor(value) + 1) for value in (1.0, 2.0, 3.0)] == [2, 3, 4]


def test_what_depends_on_values_stays_an_error() -> None:
    with KnownShapes():
        for _ in range(2):
            with pytest.raises(NotImplementedError):
                IMAGE.nonzero()
