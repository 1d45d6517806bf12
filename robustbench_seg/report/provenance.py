"""What every number carries, in words: data, commands, code and machines."""

import re
from collections.abc import Iterable

from ..studies.facts import BUILD, Facts
from ..wording import counted

__all__ = ["provenance"]


def provenance(facts: Facts) -> list[tuple[str, str]]:
    """Write facts, except the weights, in rows: what, and the text. Of many, what they share stands once."""
    rows = []
    for data in facts["data"]:
        text = f"{data['dataset']} {data['split']}, {data['images']} of {data['of']} images, fingerprint "
        rows.append(("data", f"{text}{data['fingerprint'][:12]}; engine version {data['engine_version']}"))
    rows += [("command", text) for text in commands(fact["command"] for fact in facts["commands"])]
    builds = {name: union(build[name] or "unknown" for build in facts["builds"]) for name in BUILD}
    rows.append(("code", "robustbench-seg {robustbench_seg}, commit {commit}, Python {python}".format(**builds)))
    names = dict.fromkeys(name for versions in facts["packages"] for name in versions)
    texts = (f"{name} {union(some[name] for some in facts['packages'] if name in some)}" for name in names)
    rows += [("packages", text)] if (text := ", ".join(texts)) else []
    for fact in facts["machines"]:
        threads = "" if fact["threads"] is None else f"; {counted(fact['threads'], 'thread')}"
        rows.append(("machine", f"{fact['machine']}{threads}"))
    return rows


def union(values: Iterable[str]) -> str:
    """Name all different values: "2.1 (also 2.0)"."""
    first, *others = dict.fromkeys(values)
    return f"{first} (also {', '.join(others)})" if others else first


def commands(lines: Iterable[str]) -> list[str]:
    """Write commands that differ in their options as one, with the options that any of them had."""
    options: dict[str, list[list[str]]] = {}
    for line in lines:
        command, *own = re.split(r" (?=--)", line)
        options.setdefault(command, []).append(own)
    texts = []
    for command, each in options.items():
        every = " ".join(dict.fromkeys(option for own in each for option in own))
        times = f", {len(each)} times, each with some of these options" if len(each) > 1 else ""
        texts.append(f"`{' '.join(filter(None, [command, every]))}`{times}")
    return texts
