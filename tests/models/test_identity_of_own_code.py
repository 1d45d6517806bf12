"""What tells functions and classes of a user's own apart: decorated, cached, compiled, and put into other classes."""

import functools
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

from robustbench_seg.errors import UsageError
from robustbench_seg.models.network_identity import identity_of

HEAD = """
import contextlib
import functools
import numba
import torch
from torch import nn
from torch.nn import functional
from torchvision.models.segmentation.fcn import FCNHead

SCALE = 2

def traced(function):
    @functools.wraps(function)
    def inner(*given):
        return function(*given)
    return inner

def times(count):
    def decorator(function):
        def inner(self, images):
            return count * function(self, images)
        return inner
    return decorator
"""
Importer = Callable[..., ModuleType]


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Importer:
    """A function that writes a module and imports it as a new process would."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(tmp_path)

    def write_and_import(text: str, name: str = "edited_code") -> ModuleType:
        (tmp_path / f"{name}.py").write_text(HEAD + text)
        monkeypatch.delitem(sys.modules, name, raising=False)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    return write_and_import


FUNCTIONS = {
    "cached": "@functools.cache\ndef prepare(images):\n    return SCALE * images\n",
    "cached with a size": "@functools.lru_cache(maxsize=2)\ndef prepare(images):\n    return SCALE * images\n",
    "named as a library's": "@functools.wraps(functional.relu)\ndef prepare(images):\n    return SCALE * images\n",
    "without gradients": "@torch.no_grad()\ndef prepare(images):\n    return SCALE * images\n",
    "traced": "@traced\ndef prepare(images):\n    return SCALE * images\n",
    "twice": "@torch.no_grad()\n@traced\ndef prepare(images):\n    return SCALE * images\n",
    "compiled by numba": "@numba.njit\ndef prepare(images):\n    return SCALE * images\n",
    "a ufunc of numba": "@numba.vectorize\ndef prepare(images):\n    return SCALE * images\n",
    "a method": "class A:\n    @traced\n    def f(self, images):\n        return SCALE * images\nprepare = A().f\n",
    "a class's": "class A:\n    @classmethod\n    @traced\n    def f(c, x):\n        return SCALE * x\nprepare = A.f\n",
    "a context": "@contextlib.contextmanager\ndef prepare(images):\n    yield SCALE * images\n",
}


@pytest.mark.parametrize("text", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_decorated_function_is_known_by_its_source_and_by_the_constants_next_to_it(
    text: str, fresh: Importer
) -> None:
    before = identity_of(fresh(text).prepare)
    assert identity_of(fresh(text).prepare) == before
    assert identity_of(fresh(text.replace("SCALE *", "-SCALE *")).prepare) != before
    assert identity_of(fresh("SCALE = 3\n" + text).prepare) != before


def test_two_functions_with_the_name_of_one_of_a_library_are_told_apart(fresh: Importer) -> None:
    module = fresh(
        "@functools.wraps(functional.relu)\ndef a(images):\n    return images\n"
        "@functools.wraps(functional.relu)\ndef b(images):\n    return -images\n"
    )
    assert len({str(identity_of(one)) for one in (module.a, module.b, nn.functional.relu)}) == 3


NET = """
class Net(nn.Module):
    def forward(self, images):
        return images
def other(self, images):
    return -images
def another(self, images):
    return 2 * images
class Plain(nn.Module):
    forward = lambda self, images: images
    settings = property(lambda self: 3)
    @times(2)
    def extra(self, images):
        return images
"""


@pytest.mark.parametrize("owner", [lambda module: module.Net, lambda module: module.FCNHead])
@pytest.mark.parametrize(
    "make",
    [
        lambda module, there: there.other,
        lambda module, there: there.another,
        lambda module, there: module.other,
        lambda module, there: staticmethod(there.other),
        lambda module, there: functools.wraps(module.Net.forward)(there.other),
        lambda module, there: torch.no_grad()(there.other),
        lambda module, there: module.times(2)(module.Net.forward),
        lambda module, there: module.times(3)(module.Net.forward),
    ],
)
def test_a_method_that_was_put_into_a_class_is_part_of_its_identity(
    owner: Callable, make: Callable, fresh: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = fresh(NET.replace("-images", "1 - images"), "another_code")
    module = fresh(NET)
    kind = owner(module)
    network = kind() if kind is module.Net else kind(4, 2)
    before = identity_of(network)
    monkeypatch.setattr(kind, "forward", make(module, there))
    after = identity_of(network)
    assert after != before
    monkeypatch.setattr(kind, "forward", there.Net.forward)
    assert identity_of(network) not in (before, after)


def test_a_method_that_was_typed_into_a_shell_needs_a_version(fresh: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    network = fresh(NET).Net()
    scope: dict[str, object] = {"__name__": "__notebook__"}
    exec(compile("def typed(self, images): return images", "<stdin>", "exec"), scope)
    monkeypatch.setattr(type(network), "forward", scope["typed"])
    with pytest.raises(UsageError, match=r"Net: typed has no source file: it was typed into a shell or a notebook"):
        identity_of(network)
    assert identity_of(network, "1") != identity_of(network, "2")


def test_methods_that_a_class_states_need_no_version(fresh: Importer) -> None:
    assert identity_of(fresh(NET).Plain()) == identity_of(fresh(NET).Plain())


def test_messages_name_why_there_is_no_source(fresh: Importer) -> None:
    def inside(images: object) -> object:
        return images

    module = fresh(
        "def prepare(images):\n    return images\nformer = prepare\ndef prepare(images):\n    return -images\n"
    )
    with pytest.raises(UsageError, match=r"inside has no source file: it was made inside another function, where no n"):
        identity_of(inside)
    with pytest.raises(UsageError, match=r"<lambda> has no source file: it is a lambda, which has no name to find it"):
        identity_of(lambda images: images)
    with pytest.raises(UsageError, match=r"prepare has no source file: edited_code has something else under that name"):
        identity_of(module.former)
    with pytest.raises(UsageError, match=r"forward has no source file: it was traced; give it a version"):
        identity_of(torch.fx.symbolic_trace(nn.Linear(1, 1)).forward.__func__)
