"""Show the progress of an export in the terminal: finished images, total, time left."""

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..export import Listener
from ..export.estimate import Estimate
from ..wording import counted

__all__ = ["CorruptProgress"]


class CorruptProgress(Listener):
    """A spinner during the estimate, a line with the estimate, then a bar over the images of all conditions."""

    def __init__(self, console: Console, images: int) -> None:
        """images: number per condition."""
        self.console, self.images = console, images
        self.spinner = console.status("trying a few images (the first use of a corruption on a machine compiles it)")
        self.bar = Progress(
            TextColumn("corrupting"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("images"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=False),
            console=console,
        )

    def __enter__(self) -> Self:
        self.spinner.start()
        return self

    def __exit__(self, *details: object) -> None:
        self.spinner.stop()
        if self.bar.live.is_started:  # else it would print an empty line
            self.bar.stop()

    def note(self, line: str) -> None:
        self.say(line)

    def plan(self, conditions: int, incomplete: int, rest: Estimate) -> None:
        self.spinner.stop()
        total = conditions * self.images
        if not incomplete:
            self.say(f"{counted(total, 'image')} here already, none to write")
            return
        if rest.files < total:
            self.say(f"{total - rest.files} of {total} images are here already; resuming")
        if rest.files:
            self.say(str(rest))
        self.bar.start()
        self.task = self.bar.add_task("", total=total, completed=total - incomplete * self.images)

    def image(self) -> None:
        self.bar.update(self.task, advance=1)

    def say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)
