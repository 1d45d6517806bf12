"""A mask model as a program of torch.export, whose batch is fixed to one unless it is said to be free."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from robustbench_seg.measure.views import rated_prediction
from robustbench_seg.models import load_source
from robustbench_seg.models.source import Source
from robustbench_seg.store.view import View

NAMES = ("a", "b", "c")
HEIGHT, WIDTH = 64, 96


class Masks(nn.Module):
    """Eight queries, whose sum can be above 1, as it is of no probability."""

    def __init__(self) -> None:
        super().__init__()
        draws = torch.Generator().manual_seed(0)
        self.masks = nn.Conv2d(3, 8, 4, 4)
        self.masks.weight.data = torch.randn(self.masks.weight.shape, generator=draws)
        self.classes = nn.Parameter(3 * torch.randn(8, len(NAMES) + 1, generator=draws))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        classes = self.classes.expand(images.shape[0], -1, -1)
        return {"class_queries_logits": classes, "masks_queries_logits": self.masks(images)}


@pytest.mark.parametrize("form", ["free", "fixed"])
def test_its_confidence_is_a_class_share_of_the_scores(form: str, tmp_path: Path) -> None:
    network = Masks().eval()
    batch = {"images": {0: torch.export.Dim("b")}}
    example = torch.zeros(2 if form == "free" else 1, 3, HEIGHT, WIDTH)
    program = torch.export.export(network, (example,), dynamic_shapes=batch if form == "free" else None)
    torch.export.save(program, tmp_path / "net.pt2")
    model = load_source(Source(model="pt2", weights=str(tmp_path / "net.pt2")), "net", NAMES, torch.device("cpu"))

    images = torch.randint(256, (2, HEIGHT, WIDTH, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    labels = torch.zeros((2, HEIGHT, WIDTH), dtype=torch.uint8)
    rated = rated_prediction(model, images, View(), labels, "fp32")

    mean, std = (torch.tensor(n).view(3, 1, 1) for n in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    with torch.inference_mode():
        output = network((images.permute(0, 3, 1, 2) / 255 - mean) / std)
    shares = output["class_queries_logits"].softmax(-1)[..., :-1]
    scores = torch.einsum("bqc,bqhw->bchw", shares, output["masks_queries_logits"].sigmoid())
    scores = functional.interpolate(scores, (HEIGHT, WIDTH), mode="bilinear", align_corners=False)
    assert scores.max() > 1
    by_hand = (scores / scores.sum(dim=1, keepdim=True)).max(dim=1)
    assert torch.equal(rated.classes, by_hand.indices)
    assert torch.allclose(rated.confidence, by_hand.values, atol=1e-5)
