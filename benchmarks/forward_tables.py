"""Tables of the forward pass beside its peers, made of the rows that `segformer_forward` measures."""

import pandas as pd

from robustbench_seg.environment import describe

from .tables import frame_table

__all__ = ["page"]

OURS = "segformer"


def page(frame: pd.DataFrame, method: str, command: str, peers: dict[str, str]) -> str:
    """Write what was measured, how and where, as Markdown. peers: their versions."""
    packages = describe("cpu")["packages"] | peers
    made = {name: ", ".join(dict.fromkeys(map(str, frame[name]))) for name in ("threads", "commit", "machine")}
    lines = [
        "# The forward pass against its peers",
        method,
        frame_table(summary(frame)),
        f"Command: `{command}`, {made['threads']} threads. Commit: {made['commit']}. Machine: {made['machine']}. "
        f"Versions: {', '.join(f'{name} {version}' for name, version in packages.items())}.",
        "## Every side, with quartiles",
        frame_table(details(frame)),
    ]
    return "\n\n".join(lines) + "\n"


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a setting: ours and the faster peer's."""
    rows = []
    for (variant, size, precision), group in frame.groupby(["variant", "size", "precision"], sort=False):
        by = group.set_index("implementation")
        ours, peers = by.loc[OURS], by.drop(index=OURS)
        peer = peers.loc[peers["median_ms"].idxmin()]
        rows.append(
            {
                "model, input, precision": f"{variant.upper()}, {size}, {precision}",
                "ours (ms)": f"{ours.median_ms:.0f}",
                "faster peer (ms)": f"{peer.median_ms:.0f}",
                "ratio": f"{peer.median_ms / ours.median_ms:.1f}",
                "share of the matmul rate": f"{ours.share_of_matmul_rate:.0%}",
                "peak memory (MiB)": f"{ours.peak_mib:.0f}",
                "that peer's (MiB)": f"{peer.peak_mib:.0f}",
            }
        )
    return pd.DataFrame(rows)


def details(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a setting and side: median with quartiles, memory, how far its logits are from Transformers'."""
    return pd.DataFrame(
        {
            "model, input, precision": frame["variant"].str.upper() + ", " + frame["size"] + ", " + frame["precision"],
            "side": frame["implementation"],
            "median (ms)": frame["median_ms"].map("{:.0f}".format),
            "quartiles (ms)": [
                f"{low:.0f}-{high:.0f}"
                for low, high in zip(frame["first_quartile_ms"], frame["third_quartile_ms"], strict=True)
            ],
            "samples": frame["samples"],
            "peak memory (MiB)": frame["peak_mib"].map("{:.0f}".format),
            "logits differ by": frame["difference"].map("{:.0e}".format),
            "matmul (10⁹ MACs/s)": frame["matmul_gmacs_per_s"].map("{:.1f}".format),
        }
    )
