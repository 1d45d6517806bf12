"""Show the progress of a run: as a bar, as lines, or in a notebook."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ..measure.listener import Listener
from ..measure.plan import Job
from ..wording import counted
from .pace import Pace

__all__ = ["NotebookProgress", "RunProgress", "progress_for"]

LINES_S = 60.0  # between two lines where there is no terminal
REFRESH_S = 0.5  # between two updates in a notebook


class RunProgress(Pace):
    """A bar over the images of all waiting cells; where there is no terminal, a line every minute and at the end."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self.task = self.bar.add_task("", total=None, state="", start=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        if self.bar.live.is_started:  # else it would print an empty line
            self.bar.stop()

    def say(self, line: str, style: str | None = None) -> None:
        self.console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)

    def planned(self, done: int, waiting: list[Job]) -> None:
        super().planned(done, waiting)
        self.bar.start()
        self.bar.start_task(self.task)
        if done:
            self.say(f"{done} of {counted(self.cells, 'cell')} here already; resuming")
        self.show()

    def waits(self, line: str) -> None:
        super().waits(line)
        self.say(line)

    def elsewhere(self, job: Job, error: Exception | None) -> None:
        super().elsewhere(job, error)
        self.show()

    def started(self, jobs: Sequence[Job]) -> None:
        super().started(jobs)
        self.show()

    def image(self) -> None:
        super().image()
        self.show()

    def finished(self, job: Job, error: Exception | None) -> None:
        super().finished(job, error)
        self.show()

    def show(self) -> None:
        self.bar.update(self.task, description=self.current, completed=self.steps, total=self.total, state=self.state)
        if not self.console.is_terminal and (self.current == "done" or self.is_due(LINES_S)):
            self.say(f"{self.state}: {self.current}")


class NotebookProgress(Pace):
    """One output below a notebook's cell, replaced in place; it takes IPython, which is there, and no widgets.

    display: IPython's function of that name.
    """

    def __init__(self, display: Callable[..., Any]) -> None:
        super().__init__()
        self.display = display
        self.handle: Any = None
        self.lines: list[str] = []

    def say(self, line: str, style: str | None = None) -> None:
        self.lines.append(line)

    def planned(self, done: int, waiting: list[Job]) -> None:
        super().planned(done, waiting)
        self.handle = self.display(self.shown_now(), raw=True, display_id=True)

    def image(self) -> None:
        super().image()
        if self.is_due(REFRESH_S):
            self.show()

    def waits(self, line: str) -> None:
        super().waits(line)
        self.show()

    def elsewhere(self, job: Job, error: Exception | None) -> None:
        super().elsewhere(job, error)
        self.show()

    def finished(self, job: Job, error: Exception | None) -> None:
        super().finished(job, error)
        self.show()

    def show(self) -> None:
        self.handle.update(self.shown_now(), raw=True)

    def shown_now(self) -> dict[str, str]:
        from html import escape

        lines = [*self.lines, f"{self.current}: {self.state}"]
        bar = f'<progress value="{self.steps}" max="{max(1, self.total)}"></progress>'
        html = "".join(f"<div>{escape(line)}</div>" for line in lines)
        return {"text/plain": "\n".join(lines), "text/html": bar + html}


@contextmanager
def progress_for(choice: bool | Listener) -> Iterator[Listener]:
    """Choose what shows the progress of a call from a program: a listener of a user's own, an output in a notebook, a
    bar on stderr where that is a terminal; else nothing but notes.
    """
    if isinstance(choice, Listener):
        yield choice
    elif not choice:
        yield Listener()
    elif (display := notebook_display()) is not None:
        yield NotebookProgress(display)
    else:
        with RunProgress(Console(stderr=True, emoji=False)) as progress:
            yield progress


def notebook_display() -> Callable[..., Any] | None:
    """Find a notebook's display function; None in a terminal, IPython's too, and in a script."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or type(shell).__name__ == "TerminalInteractiveShell":
        return None
    display: Callable[..., Any] = sys.modules["IPython.display"].display
    return display
