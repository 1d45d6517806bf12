"""Views against slow, obvious references."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
import torch
from torch.nn import functional

from robustbench_seg.errors import UsageError
from robustbench_seg.measure import rating, views
from robustbench_seg.measure.rating import classify
from robustbench_seg.measure.views import predict, rated_prediction, view_logits, window_starts
from robustbench_seg.store.view import View


class Quarter:
    """A model whose logits at 1/4 depend on pixels and on where they are in the input."""

    name, class_names, licence, checkpoint_sha256, parameters = "quarter", ("a", "b", "c"), "", "", 0
    device = torch.device("cpu")

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        pooled = functional.avg_pool2d(images.float(), 4, ceil_mode=True)
        ramp = torch.linspace(0, 40, pooled.shape[3])
        return torch.stack([pooled[:, 0], pooled[:, 1] + ramp, pooled[:, 2] - ramp], dim=1)


class Giving(Quarter):
    """A model that gives the same whatever it sees."""

    def __init__(self, output: object) -> None:
        self.output = output
        self.class_names = (
            tuple("abcdefghijklmnopqrstuvwxyz"[: output.shape[1]]) if isinstance(output, torch.Tensor) else ("a",)
        )

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return self.output  # type: ignore[return-value]


class Careless(Quarter):
    """The same, in memory of its own that it gives each time; it overwrites what it is shown."""

    def __init__(self) -> None:
        self.given: dict[torch.Size, torch.Tensor] = {}

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        logits = super().__call__(images)
        images.zero_()
        return self.given.setdefault(logits.shape, logits.clone()).copy_(logits)


def random_image(height: int, width: int) -> torch.Tensor:
    return torch.randint(256, (height, width, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def resize(x: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return functional.interpolate(x, size, mode="bilinear", align_corners=False)


def slide_slowly(model: Quarter, image: torch.Tensor, crop: int, stride: int) -> torch.Tensor:
    """Pixel by pixel: the mean of the logits of all windows that cover it."""
    height, width = image.shape[2:]
    starts = [sorted({max(0, min(s, n - crop)) for s in range(0, n, stride)}) for n in (height, width)]
    windows = {
        (y, x): resize(model(image[:, :, y : y + crop, x : x + crop]), (min(crop, height), min(crop, width)))
        for y in starts[0]
        for x in starts[1]
    }
    result = torch.zeros(1, 3, height, width)
    for row in range(height):
        for column in range(width):
            over = [
                w[0, :, row - y, column - x]
                for (y, x), w in windows.items()
                if y <= row < y + crop and x <= column < x + crop
            ]
            result[0, :, row, column] = torch.stack(over).mean(dim=0)
    return result


@pytest.mark.parametrize(("crop", "stride"), [(32, 32), (32, 20), (40, 13), (48, 48)])
def test_sliding_equals_a_loop_over_pixels(crop: int, stride: int) -> None:
    image = random_image(48, 75).permute(2, 0, 1)[None]
    (got,) = view_logits(Quarter(), image, View(mode="slide", crop=crop, stride=stride))
    torch.testing.assert_close(got, slide_slowly(Quarter(), image, crop, stride), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(40, 75), (75, 40), (40, 50), (64, 40), (63, 65)])
@pytest.mark.parametrize("stride", [20, 64])
def test_a_window_larger_than_the_image_on_a_side_ends_with_it_there(height: int, width: int, stride: int) -> None:
    image = random_image(height, width).permute(2, 0, 1)[None]
    (got,) = view_logits(Quarter(), image, View(mode="slide", crop=64, stride=stride))
    torch.testing.assert_close(got, slide_slowly(Quarter(), image, 64, stride), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (40, 64), (33, 35)])
def test_an_image_within_one_window_is_seen_whole(height: int, width: int) -> None:
    image = random_image(height, width).permute(2, 0, 1)[None]
    (got,) = view_logits(Quarter(), image, View(mode="slide", crop=64, stride=32))
    assert torch.equal(got, resize(Quarter()(image), (height, width)))


@pytest.mark.parametrize(
    ("length", "crop", "stride"), [(100, 32, 32), (96, 32, 32), (33, 32, 1), (32, 32, 8), (61, 40, 40), (768, 768, 5)]
)
def test_windows_cover_the_side_and_the_last_is_flush(length: int, crop: int, stride: int) -> None:
    starts = window_starts(length, crop, stride)
    assert starts[0] == 0
    assert starts[-1] == length - crop
    assert all(0 < b - a <= stride for a, b in pairwise(starts))
    assert all(b - a == stride for a, b in pairwise(starts[:-1])), "but for the last they are a stride apart"


@pytest.mark.parametrize("length", [32, 39, 40])
def test_a_side_no_longer_than_the_window_has_one(length: int) -> None:
    assert window_starts(length, 40, 8) == [0]


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.37])
def test_a_whole_image_is_scaled_without_antialias_and_scored_at_the_labels_size(scale: float) -> None:
    image = random_image(65, 91)
    scaled = image.permute(2, 0, 1)[None].float()
    if scale != 1:
        scaled = resize(scaled, (round(65 * scale), round(91 * scale))).round()
    got = predict(Quarter(), image, View(scale=scale), (100, 141), "fp32")
    assert_classes_of(got, resize(Quarter()(scaled), (100, 141))[0])


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("mode", [{"mode": "whole"}, {"mode": "slide", "crop": 32, "stride": 20}])
def test_several_scales_average_softmax_probabilities_at_the_labels_size(mode: dict[str, object], flip: bool) -> None:
    image, size = random_image(66, 70), (90, 141)
    probabilities = torch.zeros(1, 3, *size)
    for scale in (0.5, 1.0, 1.75):
        scaled = image.permute(2, 0, 1)[None].float()
        if scale != 1:
            scaled = resize(scaled, (round(66 * scale), round(70 * scale))).round()
        for mirrored in (False, True)[: 1 + flip]:
            seen = torch.flip(scaled, dims=[3]) if mirrored else scaled
            logits = Quarter()(seen) if mode["mode"] == "whole" else slide_slowly(Quarter(), seen, 32, 20)
            full = resize(logits, size)  # resized as it is, then turned back
            probabilities += torch.softmax(torch.flip(full, dims=[3]) if mirrored else full, dim=1)
    got = predict(Quarter(), image, View(scale=(0.5, 1.0, 1.75), flip=flip, **mode), size, "fp32")
    assert_classes_of(got, probabilities[0])


@pytest.mark.parametrize("size", [(64, 80), (90, 141), (257, 301), (600, 250), (13, 20), (2000, 40), (2, 70000)])
@pytest.mark.parametrize("source", [(16, 20), (23, 36), (64, 80)])
def test_classes_by_stripes_are_those_of_the_whole_map(source: tuple[int, int], size: tuple[int, int]) -> None:
    logits = torch.randn(2, 5, *source, generator=torch.Generator().manual_seed(0))
    got = classify([logits], size)
    for k in range(2):
        assert_classes_of(got[k], resize(logits[k : k + 1], size)[0])


def assert_classes_of(got: torch.Tensor, scores: torch.Tensor) -> None:
    """The chosen class has the highest score, up to float32's rounding; nearly all choices are argmax's own."""
    chosen = scores.gather(0, got[None])[0]
    torch.testing.assert_close(chosen, scores.max(dim=0).values, atol=1e-5, rtol=0)
    assert (got == scores.argmax(dim=0)).float().mean() > 0.999


def rounding() -> list[str]:
    """How torch rounds the inputs of fp32 operations: on a GPU and a CPU, in convolutions and matrix products."""
    backends = torch.backends
    parts = (backends.cudnn.conv, backends.cuda.matmul, backends.mkldnn.conv, backends.mkldnn.matmul)
    return [part.fp32_precision for part in parts]


WHOLE_PRECISION = ["ieee"] * 4


@pytest.fixture(params=["highest", "high", "medium"])
def asked_of_torch(request: pytest.FixtureRequest) -> Iterator[str]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(request.param)
    yield request.param
    torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_the_model_runs_in_the_precision_asked_for_and_fp32_is_not_rounded(precision: str, asked_of_torch: str) -> None:
    class Seen(Quarter):
        def __call__(self, images: torch.Tensor) -> torch.Tensor:
            self.seen = torch.is_autocast_enabled("cpu"), rounding()
            return super().__call__(images)

    model, outside = Seen(), rounding()
    expected = (False, WHOLE_PRECISION) if precision == "fp32" else (True, outside)
    assert outside != WHOLE_PRECISION, "convolutions on a GPU are rounded where nobody has said otherwise"
    predict(model, random_image(32, 32), View(), (32, 32), precision)
    assert model.seen == expected
    rated_prediction(model, random_image(32, 32), View(), torch.zeros(32, 32, dtype=torch.uint8), precision)
    assert model.seen == expected
    assert rounding() == outside
    assert torch.get_float32_matmul_precision() == asked_of_torch


@pytest.mark.parametrize("view", [View(), View(mode="slide", crop=32, stride=16)])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_logits_that_are_not_finite_are_refused_and_pass_for_no_class(view: View, bad: float) -> None:
    class Overflown(Quarter):
        def __call__(self, images: torch.Tensor) -> torch.Tensor:
            logits = super().__call__(images)
            logits[0, 1, -1, -1] = bad
            return logits

    with pytest.raises(UsageError, match="gave logits that are not finite"):
        predict(Overflown(), random_image(48, 64), view, (48, 64), "fp32")


def test_an_image_that_its_scale_makes_too_small_is_refused() -> None:
    with pytest.raises(UsageError, match="an image of 24x32 pixels, at its view's scale, has a side below 32"):
        predict(Quarter(), random_image(48, 64), View(scale=0.5), (48, 64), "fp32")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"mode": "tiles"}, "view mode must be whole, slide, pad-N, resize-HEIGHTxWIDTH or processor, got 'tiles'"),
        ({"mode": "slide", "crop": 64}, "needs crop >= 32 and stride in 1 .. crop, got 64, None"),
        ({"mode": "slide", "crop": 64, "stride": 65}, "got 64, 65"),
        ({"crop": 64}, "a view whole has no crop"),
        ({"flip": "false"}, "view flip must be true or false, got 'false'"),
        ({"flip": 1}, "view flip must be true or false, got 1"),
        ({"scale": 0.0}, r"scale must be in \(0, 8\], or several such factors, got 0.0"),
        ({"scale": ()}, r"got \(\)"),
        ({"scale": (1.0, 9.0)}, r"got \(1.0, 9.0\)"),
        ({"scale": (1.0, 1)}, r"must differ, got \(1.0, 1.0\)"),
    ],
)
def test_a_view_that_makes_no_sense_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        View(**fields)


def test_views_have_readable_names() -> None:
    views = [View(), View(scale=1.5), View(mode="slide", crop=256, stride=192), View(scale=[0.5, 1], flip=True)]
    assert [str(view) for view in views] == ["whole", "whole-x1.5", "slide-256-192", "whole-x0.5_1-flip"]


LAYOUTS = [torch.contiguous_format, torch.channels_last]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_logit_that_is_not_finite_is_seen_wherever_it_is(layout: torch.memory_format, value: float) -> None:
    generator = torch.Generator().manual_seed(0)
    for place in ((0, 0, 0, 0), (1, 18, 7, 11), (1, 5, 3, 2)):
        logits = 1e37 * torch.randn(2, 19, 8, 12, generator=generator).to(memory_format=layout)
        logits[place] = value
        flags: list[torch.Tensor] = []
        views.checked_logits(Giving(logits), torch.zeros(2, 3, 32, 48), flags)
        assert flags[0].tolist() == logits.isfinite().flatten(1).all(dim=1).tolist() == [place[0] != 0, place[0] != 1]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_of_equal_logits_the_first_class_is_taken_as_by_argmax(layout: torch.memory_format) -> None:
    logits = torch.randint(0, 3, (2, 19, 40, 56), generator=torch.Generator().manual_seed(0)).float()
    logits = logits.to(memory_format=layout)
    label = torch.zeros(2, 40, 56, dtype=torch.uint8)
    expected = torch.from_numpy(logits.numpy().argmax(axis=1))
    assert torch.equal(rating.classify([logits], (40, 56)), expected)
    assert torch.equal(rating.rate([logits], label).classes, expected)


@pytest.mark.parametrize("name", ["whole", "whole-flip", "whole-x1_1.5-flip", "resize-64x64-flip", "slide-32-16-flip"])
def test_a_model_that_overwrites_its_input_and_its_output_is_seen_as_any_other(name: str) -> None:
    image, view = random_image(48, 64), View.parse(name)
    expected = predict(Quarter(), image, view, (48, 64), "fp32")
    assert torch.equal(predict(Careless(), image.clone(), view, (48, 64), "fp32"), expected)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (torch.zeros(1, 2, 8, 8), "quarter gave 2 logits for a pixel, but names 3 classes"),
        (torch.zeros(1, 4, 8, 8), "quarter gave 4 logits for a pixel, but names 3 classes"),
        (
            torch.zeros(3, 8, 8),
            r"quarter gave a tensor \(3, 8, 8\) of float32; expected logits, a float tensor \(1, cl",
        ),
        (torch.zeros(2, 3, 8, 8), r"gave a tensor \(2, 3, 8, 8\) of float32; expected logits, a float tensor \(1, "),
        (torch.zeros(1, 3, 8, 8, dtype=torch.complex64), r"gave a tensor \(1, 3, 8, 8\) of complex64; expected logits"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.int64), r"gave a tensor \(1, 3, 8, 8\) of int64; expected logits"),
        (torch.zeros(1, 3, 8, 8).numpy(), "quarter gave ndarray; expected logits"),
        ([torch.zeros(1, 3, 8, 8)], "quarter gave list; expected logits"),
    ],
)
@pytest.mark.parametrize("view", [View(), View(mode="slide", crop=32, stride=32)])
def test_what_is_no_logit_for_each_class_is_refused(output: object, message: str, view: View) -> None:
    model = Giving(output)
    model.class_names = Quarter.class_names
    with pytest.raises(UsageError, match=message):
        predict(model, random_image(32, 32), view, (32, 32), "fp32")


def test_a_precision_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="precision must be fp32, bf16, fp16, got 'fp64'"):
        predict(Quarter(), random_image(32, 32), View(), (32, 32), "fp64")
