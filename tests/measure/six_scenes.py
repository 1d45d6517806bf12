"""Six tiny drawn scenes; in a module without torch, so that processes that load them start fast."""

from robustbench_seg.datasets import Sample
from robustbench_seg.datasets.streets import Streets

IMAGES = 6


class Scenes(Streets):
    """They count how often they are loaded."""

    def __init__(self) -> None:
        super().__init__(size=(64, 96), count=IMAGES)
        self.loaded: list[str] = []

    def load(self, image_id: str) -> Sample:
        self.loaded.append(image_id)
        return super().load(image_id)
