"""HTML pages that load nothing: style and script stand in them, and no other script may run."""

import base64
import hashlib
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

__all__ = ["package_text", "page_engine", "parts_of_page"]


def package_text(package: str, name: str) -> str:
    """Read a text file that lies in a package."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


def page_engine(package: str, *filters: Callable[..., Any]) -> jinja2.Environment:
    """Make an engine for the templates in a package, which escapes what it is given. filters: by their own names."""
    loader = jinja2.FunctionLoader(partial(package_text, package))
    engine = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=loader
    )
    engine.filters.update({each.__name__: each for each in filters})
    return engine


def parts_of_page(style: str, script: str) -> dict[str, str]:
    """Give a template its style, its script, and the hash by which its Content-Security-Policy knows the script."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return {"style": Markup(style), "script": Markup(script), "script_hash": f"sha256-{digest}"}
