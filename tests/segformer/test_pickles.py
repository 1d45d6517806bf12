"""Training files: their weights are read, and nothing in them runs."""

import os
import subprocess
import sys
from argparse import Namespace
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from wrapping import absent_program, network, nvlabs_state, run_line, same_weights

from segformer import CheckpointError, load_checkpoint
from segformer.files import read_file
from segformer.pickles import load_pickle

PLAIN = {"1.weight": torch.ones(2)}

# As MMEngine's history: arrays of numpy, and methods of the class among the state.
HISTORY = """
import numpy as np

class HistoryBuffer:
    def __init__(self):
        self.max_length = 1000000
        self._log_history = np.array([0.5, 0.25])
        self._count_history = np.array([1, 1])

    def __getstate__(self):
        return self.__dict__ | {"statistics_methods": {"min": HistoryBuffer.min}}

    def min(self):
        return self._log_history.min()
"""
both_formats = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "older"])


@both_formats
def test_a_training_file_of_mmengine_gives_its_weights_where_mmengine_is_not_installed(
    tmp_path: Path, zipped: bool
) -> None:
    model, path = network(), tmp_path / "iter_160000.pth"
    state = nvlabs_state(model, tmp_path)
    parameter = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.AdamW([parameter])
    parameter.sum().backward()
    optimizer.step()
    with absent_program("mmengine.logging.history_buffer", HISTORY) as module:
        content = {
            "meta": {"epoch": 0, "iter": np.int64(7), "dataset_meta": {"classes": ("a", "b", "c")}},
            "state_dict": OrderedDict(state),
            "message_hub": {
                "log_scalars": OrderedDict({"train/loss": module.HistoryBuffer()}),
                "runtime_info": OrderedDict(best=np.float64(0.5), names=np.array(["a", "b"])),
                "resumed_keys": OrderedDict({"train/loss": True}),
            },
            "optimizer": optimizer.state_dict(),
            "param_schedulers": [{"_global_step": 8, "last_step": np.float32(7)}],
        }
        torch.save(content, path, _use_new_zipfile_serialization=zipped)
    assert "mmengine" not in sys.modules
    loaded = load_checkpoint(path)
    assert same_weights(loaded, model)
    assert loaded.info.class_names == ("a", "b", "c")


CONTAINERS = """
import collections

class Config(dict):
    pass

class Stages(list):
    pass

class Both(dict):
    __slots__ = ("note",)

Pair = collections.namedtuple("Pair", "a b", module=__name__)

def function():
    pass
"""


@both_formats
def test_mappings_lists_and_objects_of_unknown_classes_are_passed_over_wherever_they_are(
    tmp_path: Path, zipped: bool
) -> None:
    with absent_program("lab.settings", CONTAINERS) as module:
        nested = module.Config(a=1, inner=module.Config(b=module.Stages([1, 2])))
        nested.note = "has attributes too"
        odd = [
            nested,
            module.Stages([module.Config(c=3)]),
            module.Pair(1, 2),
            module.function,
            partial(module.function),
            defaultdict(list, {"x": [1]}),
            deque([1, 2], maxlen=3),
            {module.Pair(1, 2): {module.function}},
            Namespace(lr=0.1),
            Path("runs") / "a",
            datetime(2024, 1, 1, tzinfo=UTC),
            np.float64(3),
            np.arange(3),
            np.dtype("float32"),
            slice(0, 3),
        ]
        content = {"hyper_parameters": odd, "state_dict": {"a.b": torch.arange(3.0)}, "after": odd}
        torch.save(content, tmp_path / "last.ckpt", _use_new_zipfile_serialization=zipped)
    before = set(torch.serialization.get_safe_globals())
    loaded, names = load_pickle(tmp_path / "last.ckpt")
    assert torch.equal(loaded["state_dict"]["a.b"], torch.arange(3.0))
    assert {"lab.settings.Config", "collections.defaultdict", "argparse.Namespace"} <= set(names)
    assert set(torch.serialization.get_safe_globals()) == before


def test_no_name_of_a_file_is_looked_up(tmp_path: Path) -> None:
    """A module that exists and leaves a trace when it is imported, in a separate program."""
    source = "class Settings:\n    def __setstate__(self, state):\n        raise SystemExit('ran')\n"
    with absent_program("trap", source) as module:
        settings = module.Settings()
        settings.lr = 0.1
        torch.save({"state_dict": {"a.b": torch.ones(2)}, "settings": settings}, tmp_path / "a.pth")
    (tmp_path / "trap.py").write_text("open('imported', 'w').close()\n" + source)
    program = (
        "from pathlib import Path; from segformer.files import read_file; print(*read_file(Path('a.pth')).tensors)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "a.b\n"
    assert not (tmp_path / "imported").exists()


class Calls:
    """An object whose pickle calls a function of Python's own library."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


@both_formats
@pytest.mark.parametrize("place", ["state_dict", "meta", "message_hub"])
@pytest.mark.parametrize(
    ("function", "name"),
    [(os.mkdir, "mkdir"), (eval, "eval"), (exec, "exec"), (subprocess.Popen, "subprocess.Popen"), (open, "open")],
)
def test_a_file_that_was_made_to_run_code_is_refused_wherever_the_call_is_and_does_not_run_it(
    tmp_path: Path, function: Callable[..., object], name: str, place: str, zipped: bool
) -> None:
    trace, path = tmp_path / "trace", tmp_path / "b0.pth"
    arguments = {
        "mkdir": (str(trace),),
        "open": (str(trace), "w"),
        "subprocess.Popen": (["mkdir", str(trace)],),
    }.get(name, (f"__import__('os').mkdir({str(trace)!r})",))
    content: dict[str, object] = {"state_dict": {"a.b": torch.ones(2)}, "meta": {}, "message_hub": {}}
    content[place] = {"x": Calls(function, *arguments)}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: refused, because reading it would run code (")
    assert f"{name}); only plain tensors are read" in message
    assert "\n" not in message
    assert not trace.exists()


def test_a_call_of_another_library_is_not_made(tmp_path: Path) -> None:
    """numpy has functions that run what they are given; here the name is bound to nothing."""
    trace, path = tmp_path / "trace", tmp_path / "b0.pth"
    call = Calls(np.testing._private.utils.runstring, f"__import__('os').mkdir({str(trace)!r})", {})
    torch.save({"state_dict": {"a.b": torch.ones(2)}, "meta": {"x": call}}, path)
    loaded, names = load_pickle(path)
    assert list(loaded["state_dict"]) == ["a.b"]
    assert names == ("numpy.testing._private.utils.runstring",)
    assert not trace.exists()
    torch.load(path, weights_only=False)  # the file does run code for a reader that lets it
    assert trace.exists()


@pytest.mark.parametrize(
    ("wrap", "line"),
    [
        (lambda module: module, "torch.load(PATH, map_location='cpu', weights_only=False).state_dict()"),
        (
            lambda module: {"epoch": 3, "model": module},
            "torch.load(PATH, map_location='cpu', weights_only=False)['model'].state_dict()",
        ),
        (
            lambda module: {"state_dict": {key: value.numpy() for key, value in module.state_dict().items()} | PLAIN},
            "{k: torch.as_tensor(v) for k, v in "
            "torch.load(PATH, map_location='cpu', weights_only=False)['state_dict'].items()}",
        ),
    ],
)
def test_weights_that_are_objects_are_refused_with_the_line_that_saves_them_plainly(
    tmp_path: Path, wrap: Callable[[torch.nn.Module], object], line: str
) -> None:
    module, path = torch.nn.Sequential(torch.nn.Linear(2, 3)), tmp_path / "best.pth"
    torch.save(wrap(module), path)
    with pytest.raises(CheckpointError) as caught:
        read_file(path)
    assert str(caught.value).startswith(f"{path}: refused, because reading it would run code (")
    line = f"torch.save({line.replace('PATH', repr(str(path)))}, 'plain.pth')"
    assert str(caught.value).endswith(f"; only plain tensors are read; if you trust the file, save it: {line}")
    run_line(line, tmp_path)
    plain = read_file(tmp_path / "plain.pth").tensors
    assert torch.equal(plain["0.weight"], module[0].weight)


def test_a_pickle_in_a_newer_protocol_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    torch.save({"a.b": torch.ones(2)}, tmp_path / "a.pth", pickle_protocol=4)
    with pytest.raises(CheckpointError, match=r"a\.pth: not a complete file of plain tensors \(Unsupported operand"):
        load_pickle(tmp_path / "a.pth")
