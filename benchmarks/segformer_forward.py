"""The forward pass against its peers: this package, Transformers and segmentation-models-pytorch.

    python -m benchmarks.segformer_forward

All three hold the same weights and see the same image, on the same number of threads, in turn: a machine that slows
down slows all of them. The machine's matmul rate is measured in the same turns. Medians and quartiles are of
`--samples` turns (fewer where a setting has used up `--seconds`, never below 2) after one of warm-up. Peak memory is
that of a process of its own, above what it held before the forward pass. Logits are at 1/4 of the image's size
everywhere, so no one's final resize counts; the outputs are compared first, and logits that differ by more than 1e-4
(fp32) end the run. With `--go-on`, settings that results/segformer_forward.csv holds already are not measured again, so
that an hour on a machine of its own may come in pieces.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn

from robustbench_seg.environment import describe, installed_version
from robustbench_seg.files import write_text
from robustbench_seg.measure.latency import peak_memory_mib
from segformer import VARIANTS, SegFormer, load_checkpoint
from segformer.complexity import complexity

from .forward_tables import OURS, page

TRANSFORMERS, SMP = "transformers", "smp"
IMPLEMENTATIONS = (OURS, TRANSFORMERS, SMP)
VARIANTS_MEASURED = ("b0", "b1", "b2", "b5")
SIZES = ((512, 512), (512, 1024), (1024, 2048))
CLASSES = 19
LARGEST_DIFFERENCE = {"fp32": 1e-4, "bf16": float("inf")}  # bf16 rounds each layer by its own order of operations
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}  # of the matmul whose rate is the yardstick
MATMUL_SIDE = 2048
FEWEST_SAMPLES = 2
TABLE = "segformer_forward.csv"
INTERNAL = ("IMPLEMENTATION", "VARIANT", "HxW", "PRECISION", "FOLDER")  # whose memory a new process measures
Forward = Callable[[Tensor], Tensor]

# Ours: that library's. {i} is the stage, {j} the block.
SMP_KEYS = {
    "encoder.stages.{i}.embed.project": "encoder.patch_embed{s}.proj",
    "encoder.stages.{i}.embed.norm": "encoder.patch_embed{s}.norm",
    "encoder.stages.{i}.blocks.{j}.norm1": "encoder.block{s}.{j}.norm1",
    "encoder.stages.{i}.blocks.{j}.attention.query": "encoder.block{s}.{j}.attn.q",
    "encoder.stages.{i}.blocks.{j}.attention.key_value": "encoder.block{s}.{j}.attn.kv",
    "encoder.stages.{i}.blocks.{j}.attention.project": "encoder.block{s}.{j}.attn.proj",
    "encoder.stages.{i}.blocks.{j}.attention.reduce": "encoder.block{s}.{j}.attn.sr",
    "encoder.stages.{i}.blocks.{j}.attention.reduce_norm": "encoder.block{s}.{j}.attn.norm",
    "encoder.stages.{i}.blocks.{j}.norm2": "encoder.block{s}.{j}.norm2",
    "encoder.stages.{i}.blocks.{j}.ffn.expand": "encoder.block{s}.{j}.mlp.fc1",
    "encoder.stages.{i}.blocks.{j}.ffn.mix": "encoder.block{s}.{j}.mlp.dwconv.dwconv",
    "encoder.stages.{i}.blocks.{j}.ffn.contract": "encoder.block{s}.{j}.mlp.fc2",
    "encoder.stages.{i}.norm": "encoder.norm{s}",
    "decoder.project.{i}": "decoder.mlp_stage.{r}.linear",
    "decoder.fuse": "decoder.fuse_stage.0",
    "decoder.norm": "decoder.fuse_stage.1",
    "decoder.classify": "segmentation_head.0",
}


def main() -> None:
    """Measure what the command line asks for, and write the table after each setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variants", nargs="+", default=VARIANTS_MEASURED, choices=VARIANTS)
    parser.add_argument("--sizes", nargs="+", default=SIZES, type=size_of, metavar="HxW")
    parser.add_argument("--precisions", nargs="+", default=["fp32"], choices=LARGEST_DIFFERENCE)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--samples", type=int, default=9, help="turns at most")
    parser.add_argument("--seconds", type=float, default=60, help="after which a setting takes no further turn")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--go-on", action="store_true", help="keep the settings that are in OUT's table already")
    parser.add_argument("--memory-of", nargs=5, metavar=INTERNAL, help="internal")
    arguments = parser.parse_args()
    if arguments.samples < FEWEST_SAMPLES:
        parser.error(f"--samples must be at least {FEWEST_SAMPLES}, got {arguments.samples}")
    torch.set_num_threads(arguments.threads)
    if arguments.memory_of:
        implementation, variant, size, precision, folder = arguments.memory_of
        print(peak_mib(make(implementation, variant, Path(folder)), size_of(size), precision))
        return
    rows = kept_rows(arguments)
    done = {(row["variant"], row["size"], row["precision"]) for row in rows}
    for variant in arguments.variants:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_weights(variant, folder)
            models = {implementation: make(implementation, variant, folder) for implementation in IMPLEMENTATIONS}
            for size in arguments.sizes:
                for precision in arguments.precisions:
                    if (variant, text_of(size), precision) in done:
                        continue
                    new = setting(variant, size, precision, models, folder, arguments)
                    print(pd.DataFrame(new).to_string(index=False), flush=True)
                    rows += new
                    rows.sort(key=lambda row: (row["variant"], size_of(str(row["size"])), row["precision"] != "fp32"))
                    write(rows, arguments)
    write(rows, arguments)


def size_of(text: str) -> tuple[int, int]:
    """Read "512x1024" as (512, 1024)."""
    height, _, width = text.partition("x")
    return int(height), int(width)


def text_of(size: tuple[int, int]) -> str:
    """Write (512, 1024) as "512x1024"."""
    return f"{size[0]}x{size[1]}"


def kept_rows(arguments: argparse.Namespace) -> list[dict[str, object]]:
    """Read the rows of earlier calls, if they are to be kept."""
    path = arguments.out / TABLE
    if not (arguments.go_on and path.is_file()):
        return []
    rows = [{str(name): value for name, value in row.items()} for row in pd.read_csv(path).to_dict("records")]
    machine = describe("cpu")["machine"]
    for row in rows:
        if (row["threads"], row["machine"]) != (arguments.threads, machine):
            raise SystemExit(f"{path}: was measured with {row['threads']} threads on {row['machine']}: --out elsewhere")
    return rows


def write_weights(variant: str, folder: Path) -> None:
    """Save a Transformers model of the variant, with random weights that depend on nothing but the variant."""
    import transformers

    config = VARIANTS[variant]
    settings = transformers.SegformerConfig(
        hidden_sizes=list(config.widths),
        depths=list(config.depths),
        decoder_hidden_size=config.decoder_width,
        num_labels=CLASSES,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.SegformerForSemanticSegmentation(settings).save_pretrained(folder)


@torch.no_grad()
def make(implementation: str, variant: str, folder: Path) -> Forward:
    """Load the folder's weights into one of the implementations."""
    if implementation == TRANSFORMERS:
        import transformers

        peer = transformers.SegformerForSemanticSegmentation.from_pretrained(folder).eval()
        return lambda images: peer(images).logits
    ours = load_checkpoint(folder).eval()
    return ours if implementation == OURS else as_smp(ours, variant)


def as_smp(ours: SegFormer, variant: str) -> nn.Module:
    """Put our weights into segmentation-models-pytorch's SegFormer, its final upsampling left out."""
    import segmentation_models_pytorch as smp

    peer = smp.Segformer(
        f"mit_{variant}",
        encoder_weights=None,
        classes=CLASSES,
        decoder_segmentation_channels=ours.config.decoder_width,
        upsampling=1,
    )
    renamed = {}
    for i in range(4):
        for j in range(max(ours.config.depths)):
            for mine, theirs in SMP_KEYS.items():
                renamed[mine.format(i=i, j=j)] = theirs.format(s=i + 1, r=3 - i, j=j)
    expected = peer.state_dict()
    state = {}
    for key, value in ours.state_dict().items():
        module, _, leaf = key.rpartition(".")
        name = f"{renamed[module]}.{leaf}"
        state[name] = value.reshape(expected[name].shape)
    peer.load_state_dict(state)
    for module in peer.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = 1e-5  # as in the port that the weights come from
    return peer.eval()


@torch.inference_mode()
def setting(
    variant: str,
    size: tuple[int, int],
    precision: str,
    models: dict[str, Forward],
    folder: Path,
    arguments: argparse.Namespace,
) -> list[dict[str, object]]:
    """Compare the outputs, then time all in turn; a row per implementation."""
    images = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(0))
    square = torch.randn(MATMUL_SIDE, MATMUL_SIDE, dtype=DTYPES[precision])
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        outputs = {name: model(images).float() for name, model in models.items()}
        differences = {name: float((outputs[name] - outputs[TRANSFORMERS]).abs().max()) for name in models}
        if max(differences.values()) > LARGEST_DIFFERENCE[precision]:
            raise SystemExit(f"{variant} {size} {precision}: logits differ: {differences}")
        samples: dict[str, list[float]] = {name: [] for name in ("matmul", *models)}
        begin = time.perf_counter()
        for turn in range(arguments.samples):
            if turn >= FEWEST_SAMPLES and time.perf_counter() - begin > arguments.seconds:
                break
            samples["matmul"].append(seconds_of(lambda: square @ square))
            for name, model in models.items():
                samples[name].append(seconds_of(lambda model=model: model(images)))
    rate = MATMUL_SIDE**3 / statistics.median(samples["matmul"])
    macs = complexity(models[OURS], size).macs
    peers = min(statistics.median(samples[name]) for name in (TRANSFORMERS, SMP))
    environment = describe("cpu")
    rows = []
    for name in models:
        first, median, third = statistics.quantiles(samples[name], n=4, method="inclusive")
        rows.append(
            {
                "variant": variant,
                "size": text_of(size),
                "precision": precision,
                "implementation": name,
                "samples": len(samples[name]),
                "median_ms": 1000 * median,
                "first_quartile_ms": 1000 * first,
                "third_quartile_ms": 1000 * third,
                "speedup_over_faster_peer": peers / median,
                "peak_mib": memory_in_own_process(name, variant, size, precision, folder, arguments.threads),
                "difference": differences[name],
                "share_of_matmul_rate": macs / median / rate if name == OURS else float("nan"),
                "matmul_gmacs_per_s": rate / 1e9,
                "threads": arguments.threads,
                "machine": environment["machine"],
                "commit": environment["commit"],
            }
        )
    return rows


def write(rows: list[dict[str, object]], arguments: argparse.Namespace) -> None:
    """Write the tables so far."""
    command = " ".join(["python", "-m", "benchmarks.segformer_forward", *sys.argv[1:]])
    peers = {name: installed_version(name) for name in ("transformers", "segmentation-models-pytorch")}
    write_text(arguments.out / TABLE, pd.DataFrame(rows).to_csv(index=False, float_format="%.6g"))
    method = " ".join(__doc__.split("\n\n")[2].split())
    write_text(arguments.out / "segformer_forward.md", page(pd.DataFrame(rows), method, command, peers))


def seconds_of(call: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def memory_in_own_process(
    name: str, variant: str, size: tuple[int, int], precision: str, folder: Path, threads: int
) -> float:
    """Ask a fresh process for `peak_mib`."""
    command = [sys.executable, "-m", "benchmarks.segformer_forward", "--threads", str(threads)]
    command += ["--memory-of", name, variant, text_of(size), precision, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


@torch.inference_mode()
def peak_mib(model: Forward, size: tuple[int, int], precision: str) -> float:
    """Resident memory at the peak of a forward pass, above that before it (Linux)."""
    images = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        model(images[:, :, :64, :64])  # libraries that load with the first call are not the network's memory
        peak = peak_memory_mib(lambda: model(images), images.device)
    return float("nan") if peak is None else peak


if __name__ == "__main__":
    main()
