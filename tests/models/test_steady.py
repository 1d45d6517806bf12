"""A network gives an image the same logits each time, alone and among others; what does not is refused or fed alone."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from robustbench_seg.api.handed import made_of
from robustbench_seg.errors import UsageError
from robustbench_seg.models import Request, load_source
from robustbench_seg.models.base import NetworkSegmenter
from robustbench_seg.models.foreign import Facts, wrap
from robustbench_seg.models.source import Source

NAMES = ("a", "b", "c")


class Net(nn.Module):
    """Two convolutions, without a bias, and something between them."""

    def __init__(self, between: nn.Module, last: nn.Module | None = None) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
        self.between = between
        self.second = nn.Conv2d(8, 3, 1, bias=False)
        self.last = last or nn.Identity()
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.normal_(generator=generator)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.last(self.second(self.between(self.first(images)).relu()))
        return logits


class AlwaysDropout(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return functional.dropout(x, 0.1)


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        self.seen += 1
        return x


class Adapting(nn.Module):
    """A scale that follows the images, as in test-time adaptation."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(8, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        self.scale.data.mul_(0.9).add_(0.1 * x.mean((0, 2, 3))[:, None, None])
        return x * self.scale


class Remembering(nn.Module):
    """It smooths what it gives over images, as some do over the frames of a video."""

    def __init__(self) -> None:
        super().__init__()
        self.before: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        smooth = 0.3 * x + 0.7 * self.before.pop() if self.before and self.before[0].shape == x.shape else x
        self.before = [smooth]
        return smooth


class Cached(nn.Module):
    """It keeps what it computes for a size of images; NaN where there is nothing yet."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("grid", torch.zeros(0))
        self.register_buffer("unset", torch.tensor(float("nan")))

    def forward(self, x: Tensor) -> Tensor:
        self.grid = torch.linspace(0, 1, x.shape[3])
        return x + self.grid


def made(network: nn.Module) -> NetworkSegmenter:
    request = Request(name="net", class_names=NAMES)
    return wrap(network, request, Facts(where="model net", identity="", about="a net"))


@pytest.mark.parametrize(
    ("between", "message"),
    [
        (AlwaysDropout(), "model net: gives other scores for the same image a second time; .*without dropout"),
        (
            Remembering(),
            "model net: gives other scores for the same image a second time; .* memory of the image before",
        ),
        (Counting(), "model net: each image changes its between.seen, so scores would depend on the images before"),
        (Adapting(), "model net: each image changes its between.scale, so scores would depend on the images before"),
    ],
)
def test_a_network_that_gives_an_image_other_scores_each_time_is_refused(between: nn.Module, message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}") as raised:
        made(Net(between))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("between", [nn.Identity(), nn.Dropout(), nn.BatchNorm2d(8), nn.InstanceNorm2d(8), Cached()])
def test_a_network_that_gives_the_same_is_shown_batches(between: nn.Module) -> None:
    model = made(Net(between))
    assert not model.network.one_by_one
    assert model.about == "a net, its logits named as the data set's classes"


@pytest.mark.parametrize("kind", ["half", "bfloat16"])
def test_rounding_in_half_precision_is_no_difference(kind: str) -> None:
    class Halved(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = getattr(Net(nn.BatchNorm2d(8)), kind)()

        def forward(self, images: Tensor) -> Tensor:
            logits: Tensor = self.net(images.to(next(self.net.parameters()).dtype))
            return logits

    assert not made(Halved()).network.one_by_one


def test_a_network_whose_scores_depend_on_a_batch_is_shown_one_image_at_a_time() -> None:
    network = Net(nn.BatchNorm2d(8, track_running_stats=False)).eval()
    model = made(network)
    images = torch.randint(256, (4, 3, 32, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    images[1:] //= 4
    with torch.inference_mode():
        alone = torch.cat([model(image) for image in images.split(1)])
        assert torch.equal(model(images), alone)
        together = network(model.preprocessing.normalise(images))
    assert (alone - together).abs().max() > 0.1 * alone.abs().max()
    assert model.about.startswith("a net, shown one image at a time, since a batch changes its scores, its logits ")


def test_a_network_that_takes_no_single_image_is_refused() -> None:
    class Several(Net):
        def forward(self, images: Tensor) -> Tensor:
            if len(images) == 1:
                raise ValueError("more than 1 value per channel")
            return super().forward(images)

    message = "model net: its network can't be run on one image alone (ValueError: more than 1 value per channel)"
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        made(Several(nn.Identity()))


@pytest.mark.parametrize(
    "last", [nn.Softmax(dim=1), nn.Sequential(nn.Softmax(dim=1), nn.Upsample(scale_factor=2)), nn.Sigmoid()]
)
def test_probabilities_are_refused(last: nn.Module) -> None:
    with pytest.raises(UsageError, match=r"^model net: its output is no logits \(all of it is between 0 and 1, as"):
        made(Net(nn.Identity(), last))


def test_logarithms_of_probabilities_are_logits() -> None:
    assert made(Net(nn.Identity(), nn.LogSoftmax(dim=1))).class_names == NAMES


@pytest.mark.parametrize("between", [nn.Dropout(), nn.BatchNorm2d(8)])
def test_a_program_that_was_exported_in_training_mode_is_refused(between: nn.Module, tmp_path: Path) -> None:
    free: Any = {0: torch.export.Dim("b"), 2: torch.export.Dim("h", min=8), 3: torch.export.Dim("w", min=8)}
    example = torch.zeros(2, 3, 64, 64)
    program = torch.export.export(Net(between).train(), (example,), dynamic_shapes={"images": free})
    torch.export.save(program, tmp_path / "net.pt2")
    source = Source(model="pt2", weights=str(tmp_path / "net.pt2"))
    with pytest.raises(UsageError, match=r"net\.pt2: (gives other scores for the same image|each image changes its)"):
        load_source(source, "net", NAMES, torch.device("cpu"))


class Handed:
    """A Segmenter of a user's own, around a network as it is."""

    name, class_names, licence, checkpoint_sha256, about = "mine", NAMES, "none", "", "mine"
    parameters, device = 0, torch.device("cpu")

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def __call__(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(images / 255)
        return logits


class Stating(Handed):
    def __call__(self, images: Tensor) -> Tensor:
        first = images[:, 0].long() % len(NAMES)
        return functional.one_hot(first, len(NAMES)).permute(0, 3, 1, 2).float()


class FewSizes(Handed):
    def __call__(self, images: Tensor) -> Tensor:
        assert images.shape[2:] == (32, 48)
        return super().__call__(images)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (Net(nn.Dropout()).train(), "model mine: gives other scores for the same image a second time; "),
        (Net(Remembering()), "model mine: gives other scores for the same image a second time; "),
        (Net(nn.BatchNorm2d(8)).train(), "model mine: gives other scores for an image among others than alone; "),
        (Net(nn.Identity(), nn.Softmax(dim=1)), "model mine: its output is no logits "),
        (Net(nn.Identity(), nn.Sigmoid()), "model mine: its output is no logits "),
    ],
)
def test_a_segmenter_gives_an_image_the_same_logits_or_is_refused(network: nn.Module, message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}"):
        made_of(Handed(network), "mine", NAMES)
    assert made_of(FewSizes(network), "mine", NAMES).name == "mine", "one that takes no trial image is not judged"


def test_a_segmenter_that_only_states_a_class_is_taken() -> None:
    assert made_of(Stating(nn.Identity()), "mine", NAMES).name == "mine"


def test_a_segmenter_of_a_file_is_tried_too(tmp_path: Path) -> None:
    path = tmp_path / "drawing_segmenter.py"
    path.write_text(
        "import torch\n"
        "class Drawing:\n"
        "    name, class_names, licence, about = 'mine', ('a', 'b', 'c'), 'none', 'mine'\n"
        "    checkpoint_sha256, parameters, device = '', 0, torch.device('cpu')\n"
        "    def __call__(self, images):\n"
        "        return torch.rand(len(images), 3, *images.shape[2:])\n"
    )
    with pytest.raises(UsageError, match=r"py:Drawing: gives other scores for the same image a second time; "):
        load_source(Source.parse(f"{path}:Drawing"), "net", NAMES, torch.device("cpu"))
