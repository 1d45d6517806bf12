"""The command line. Exit status: 0 all done, 1 some cells failed, 2 bad usage or input, 130 after Ctrl-C."""

import signal
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from .errors import RobustBenchError, UsageError
from .wording import counted

__all__ = ["app", "run_program"]

app = typer.Typer(
    name="robustbench-seg",
    add_completion=False,
    pretty_exceptions_enable=False,
    help="How far can a semantic-segmentation model be trusted when the image is not clean?",
)
console = Console()
INTERRUPTED = 130

Data = Annotated[list[str] | None, typer.Option(metavar="NAME=PATH", help="Folder of a dataset; repeatable.")]
Weights = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=PATH", help="Weights of a model (of `list models`, or that with -SUFFIX); repeatable."),
]
Device = Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")]
Precision = Annotated[Literal["fp32", "bf16"], typer.Option(help="Of the forward pass.")]
Workers = Annotated[
    int | None,
    typer.Option(min=0, help="Processes that load images; by default one per two cores, at most 8."),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Use only so many images, evenly spaced.")]
SuiteName = Annotated[str, typer.Argument(metavar="SUITE", help="A shipped suite (see `list suites`) or a YAML file.")]


@app.command()
def run(
    suite: SuiteName,
    out: Annotated[Path, typer.Option(help="Folder of the results; a run that was stopped goes on there.")],
    data: Data = None,
    weights: Weights = None,
    device: Device = "cpu",
    precision: Precision = "fp32",
    workers: Workers = None,
    limit: Limit = None,
) -> None:
    """Measure what a suite asks for, then write its report into OUT/report."""
    from .planning import Options
    from .progress import RunProgress
    from .runner import run as run_suite
    from .suites import read_suite

    options = Options(
        data={name: Path(path) for name, path in named("--data", data).items()},
        weights=named("--weights", weights),
        device=device,
        precision=precision,
        workers=default_workers() if workers is None else workers,
        limit=limit,
    )
    with RunProgress(console) as progress:
        failed = run_suite(read_suite(suite), out, options, progress)
    write_and_show([out], out / "report", text=True)
    if failed:
        say(
            f"{counted(len(failed), 'cell')} failed (run again to retry; tracebacks in {out / 'failed'}):",
            style="bold red",
        )
        for job in failed:
            say(f"  {job.cell.slug}: {progress.errors[job.record.key]}")
        raise typer.Exit(1)


@app.command()
def plan(suite: SuiteName, weights: Weights = None) -> None:
    """Show what a suite would measure, without measuring."""
    from .suites import read_suite, with_weights

    spec, given = read_suite(suite), named("--weights", weights)
    say(f"{spec.name}: {spec.description}")
    models = with_weights(spec, given) if spec.models or given else ()
    say(f"models: {', '.join(model.name for model in models) or 'those named with --weights NAME=PATH'}")
    if spec.dataset is not None:
        table = Table("corruption", "severities")
        table.add_row("clean", "0")
        for name, severities in spec.conditions.items():
            table.add_row(name, " ".join(map(str, severities)))
        console.print(table)
        say(f"dataset: {spec.dataset.name} {spec.dataset.split}; protocol: {spec.protocol}; seed: {spec.seed}")
        say(f"views: {', '.join(map(str, spec.views))}")
        conditions = 1 + sum(len(severities) for severities in spec.conditions.values())
        cells = conditions * len(spec.views)
        product = f"{counted(conditions, 'condition')} x {counted(len(spec.views), 'view')}"
        say(f"quality cells per model: {product} = {cells}")
    if spec.latency is not None:
        sizes = ", ".join(f"{height}x{width}" for height, width in spec.latency.sizes)
        say(f"latency cells per model: {len(spec.latency.sizes) * len(spec.latency.batches)} ({sizes})")


@app.command()
def report(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders that `run` wrote.")],
    out: Annotated[Path | None, typer.Option(help="Where to write; by default report/ in the first folder.")] = None,
    text: Annotated[bool, typer.Option("--text", help="Print the main tables and write nothing.")] = False,
    reference: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Add CD, rCD and improvement against this model.")
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write the figures as PDF too.")] = False,
) -> None:
    """Write the report of results: index.html; the same as Markdown, CSV and LaTeX, figures as SVG."""
    write_and_show(folders, None if text else out or folders[0] / "report", text=text, pdf=pdf, reference=reference)


@app.command()
def compare(
    base: Annotated[Path, typer.Argument(metavar="BASE", help="Folder that `run` wrote.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Folder with the same cells, of other weights or code.")],
    fail_on_drop: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="POINTS", help="Exit with 1 if the interval of clean or mean mIoU lies below -POINTS."
        ),
    ] = None,
) -> None:
    """Show what changed from BASE to NEW, with paired intervals: a gate against regressions."""
    from .report.changes import show_changes
    from .studies.frame import quality_frame
    from .studies.regression import compare_stores

    frames = [quality_frame(folder) for folder in (base, new)]
    for folder, frame in zip((base, new), frames, strict=True):
        if not len(frame):
            raise UsageError(f"{folder}: holds no quality cells")
    changes = compare_stores(*frames)
    show_changes(console, changes.table)
    for text in changes.unmatched:
        say(f"not compared: {text}")
    if fail_on_drop is None:
        return
    dropped = changes.dropped(fail_on_drop)
    for _, row in dropped.iterrows():
        say(
            f"dropped by more than {fail_on_drop:g} points: {row['model']}, view {row['view']}, {row['quantity']}: "
            f"{100 * row['estimate']:+.1f} (95 % interval {100 * row['low']:+.1f} to {100 * row['high']:+.1f})",
            style="bold red",
        )
    if len(dropped):
        raise typer.Exit(1)


@app.command()
def corrupt(  # noqa: PLR0913 (each is an option of the command)
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="A dataset (see `list datasets`).")],
    *,
    out: Annotated[Path, typer.Option(help="Folder of the images; an export that was stopped goes on there.")],
    data: Data = None,
    split: Annotated[str | None, typer.Option(help="By default the one that is evaluated: val or test.")] = None,
    protocol: Annotated[str, typer.Option(help="Its corruptions and severities (see `list protocols`).")] = "segformer",
    corruptions: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,...", help="These instead of the protocol's; separated by commas, or repeat."),
    ] = None,
    severities: Annotated[
        list[str] | None,
        typer.Option(metavar="1,...,5", help="These instead of the protocol's, or of all five where it has none."),
    ] = None,
    file_format: Annotated[
        Literal["png", "webp"],
        typer.Option("--format", help="Both are lossless; webp is smaller and takes longer."),
    ] = "png",
    seed: Annotated[int, typer.Option(min=0, help="Decides every draw, with corruption, severity and image.")] = 0,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes that corrupt; by default one per core, at most 16.")
    ] = None,
    limit: Limit = None,
) -> None:
    """Write corrupted images as files in Cityscapes' layout, under OUT/<corruption>/<severity>."""
    from .datasets import open_dataset, spaced
    from .environment import available_cores
    from .export import Export, choose_conditions, export_images
    from .export_progress import ExportProgress

    conditions = choose_conditions(
        protocol, words("--corruptions", corruptions), words("--severities", severities), seed
    )
    folders = named("--data", data)
    unused = next((name for name in folders if name != dataset), None)
    if unused is not None:
        raise UsageError(f"--data {unused}: the images are those of {dataset}")
    root = Path(folders[dataset]) if folders else None
    opened = open_dataset(dataset, root, **({} if split is None else {"split": split}))
    ids = spaced(opened.ids, limit)
    export = Export(dataset=opened, ids=ids, conditions=conditions, format=file_format, out=out)
    with ExportProgress(console, len(ids)) as progress:
        export_images(export, min(16, available_cores()) if workers is None else workers, progress)
    say(
        f"{counted(len(conditions), 'condition')} of {counted(len(ids), 'image')} "
        f"{'is' if len(conditions) == 1 else 'are'} in {out}; "
        f"each is a folder for --data cityscapes=PATH, with split {opened.split}"
    )


@app.command()
def train(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A shipped recipe (see `list recipes`) or a YAML file.")
    ],
    *,
    out: Annotated[Path, typer.Option(help="Folder of checkpoints and weights; a run that was stopped goes on there.")],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a field of the recipe, such as dataset.split=fit."),
    ] = None,
    data: Data = None,
    device: Device = "cpu",
    workers: Workers = None,
) -> None:
    """Train a model; OUT/weights.safetensors is the result, in half precision."""
    from .planning import find_device
    from .train_progress import train_with_progress
    from .training.recipe import read_recipe

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    options = {name: Path(path) for name, path in named("--data", data).items()}
    path = train_with_progress(
        console,
        read_recipe(recipe, {place: yaml_value(text) for place, text in named("--set", changes, "KEY=VALUE").items()}),
        options,
        out,
        find_device(device),
        default_workers() // 2 if workers is None else workers,  # on a CPU the network needs the cores more
    )
    if path is not None:
        say(f"wrote {path}")


@app.command("list")
def list_kind(
    kind: Annotated[
        Literal["models", "datasets", "corruptions", "protocols", "suites", "recipes"],
        typer.Argument(metavar="KIND"),
    ],
) -> None:
    """List what there is: models, datasets, corruptions, protocols, suites or recipes."""
    from .listing import listing

    table = listing(kind)
    table.box = None
    console.print(table)


def write_and_show(
    folders: list[Path], out: Path | None, *, text: bool, pdf: bool = False, reference: str | None = None
) -> None:
    """Write the report into `out`, if given, and print the main tables if asked."""
    from .report.page import write_report
    from .report.sections import sections_of
    from .report.terminal import show_tables

    sections = sections_of(folders, reference=reference, pictures=out is not None)
    if text:
        show_tables(console, sections)
        for sentence in (sentence for section in sections for sentence in [*section.found, *section.findings]):
            say(f"• {sentence}")
    if out is not None:
        say(f"report: {write_report(sections, out, pdf=pdf)}")


def say(text: str, style: str | None = None) -> None:
    """Print plain text; where it is not a terminal, a line stays a line."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=not console.is_terminal)


def named(option: str, values: list[str] | None, form: str = "NAME=PATH") -> dict[str, str]:
    """Read the values of a repeatable option of two parts, such as NAME=PATH."""
    pairs = {}
    for value in values or ():
        name, equals, path = value.partition("=")
        if not (name and equals and path):
            raise UsageError(f"{option} takes {form}, got {value!r}")
        if name in pairs:
            raise UsageError(f"{option} {name} is given twice")
        pairs[name] = path
    return pairs


def yaml_value(text: str) -> Any:
    """Read a value as a recipe's YAML would."""
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise UsageError(f"--set takes a value in YAML, got {text!r}") from None


def words(option: str, values: list[str] | None) -> list[str]:
    """Read the values of a repeatable option whose values may also be separated by commas or spaces."""
    found = []
    for value in values or ():
        if not (several := value.replace(",", " ").split()):
            raise UsageError(f"{option} is given but names nothing, got {value!r}")
        found += several
    return found


def default_workers() -> int:
    from .environment import available_cores

    return min(8, available_cores() // 2)


def run_program() -> NoReturn:
    """Run the command line; a user's error becomes one line on stderr and status 2."""
    try:
        status = app(args=sys.argv[1:] or ["--help"], standalone_mode=False) or 0
    except (typer.Abort, KeyboardInterrupt):
        status = INTERRUPTED
    except Exception as error:
        if not is_for_users(error):
            raise
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        fail(message.replace("Value error, ", ""), 2)  # pydantic's own words, which some versions of typer pass on
    if status == INTERRUPTED:  # typer turns Ctrl-C into this status without a word
        fail("stopped; what is finished is kept, and the same command goes on from there", INTERRUPTED)
    sys.exit(status)


def is_for_users(error: Exception) -> bool:
    """Whether an error's text is meant for a user: ours, segformer's (torch need not be imported), typer's own, or the
    system's word on a file.
    """
    return (
        isinstance(error, (RobustBenchError, OSError))
        or type(error).__name__ == "CheckpointError"
        or hasattr(error, "format_message")
    )


def fail(message: str, status: int) -> NoReturn:
    """End with one line on stderr."""
    sys.stderr.write(f"robustbench-seg: {' '.join(message.split())}\n")
    sys.exit(status)
