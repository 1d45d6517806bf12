"""What a folder of Transformers holds decides the numbers: files that change meanwhile, weights that are not read."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_networks import CLASSES, save_transformers

from robustbench_seg.errors import UsageError
from robustbench_seg.models import hf, load_source
from robustbench_seg.models.base import NetworkSegmenter
from robustbench_seg.models.source import Source

pytestmark = pytest.mark.filterwarnings("ignore")
CPU = torch.device("cpu")
IMAGES = torch.randint(256, (1, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def load(folder: Path) -> NetworkSegmenter:
    made = load_source(Source.parse(f"hf:{folder}"), "m", CLASSES, CPU)
    assert isinstance(made, NetworkSegmenter)
    return made


def state_input(folder: Path, **fields: Any) -> None:
    processor = {"image_processor_type": "SegformerImageProcessor", "do_resize": True, **fields}
    (folder / "preprocessor_config.json").write_text(json.dumps(processor), encoding="utf-8")


@pytest.mark.parametrize("kind", ["segformer", "mobilenet_v2"])
def test_an_image_processor_that_changes_after_it_was_hashed_is_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_transformers(kind, tmp_path)
    read = hf.read_preprocessor

    def read_another(folder: Path) -> str:
        state_input(folder, image_mean=0.25)
        return read(folder)

    monkeypatch.setattr(hf, "read_preprocessor", read_another)
    with pytest.raises(UsageError, match=r"preprocessor_config\.json: changed while it was read"):
        load(tmp_path)


def test_an_image_processor_that_changes_before_the_first_image_is_refused(tmp_path: Path) -> None:
    save_transformers("segformer", tmp_path)
    state_input(tmp_path, size={"height": 32, "width": 48})
    unlike, model = load(tmp_path), load(tmp_path)
    assert model.process_size(IMAGES).shape[2:] == (32, 48)
    state_input(tmp_path, size={"height": 64, "width": 96})
    assert model.process_size(IMAGES).shape[2:] == (32, 48)
    with pytest.raises(UsageError, match=r"preprocessor_config\.json: changed after the model was read"):
        unlike.process_size(IMAGES)
