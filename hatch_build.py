"""Put the textures of frost into the wheel: taken from imagecorruptions, which only the build environment needs.

imagecorruptions depends on opencv-python, whose files overwrite those of opencv-python-headless. As a requirement of
the build it is installed in pip's temporary environment, so its dependencies never reach the user's environment.
"""

import hashlib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = "imagecorruptions"
TARGET = "robustbench_seg_frost"  # a folder next to the package, also where the package is a link to a checkout
TEXTURES = {
    "frost1.png": "ff9f907860bd7a835d459e32f9d588062b7f61ee267343cc7222b56753a14755",
    "frost2.png": "fe211a89b336999c207a852ce05818d4545d0b57c5beadd824b4cc9d9a9b6137",
    "frost3.png": "2d0d50b4a9bb213f38b024ef7768731bb83cc08d2f26b5766bbc167cdfa0e504",
    "frost4.jpg": "3f8b91ca1a9fa7167b09e773da53f5ae60d0a1fd88f02a783f6e328a72887f6e",
    "frost5.jpg": "5fc6a19df4a429ba68abdcc8f8a4278d4c9f81c9ccafd2c92ab0c8cf8992ebd2",
}


class CustomBuildHook(BuildHookInterface):
    """Add the textures that frost draws from, and their licence, to a wheel or to an editable installation."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files for hatchling; `version` is "standard" or "editable".

        Raises RuntimeError if imagecorruptions is not there or has other textures.
        """
        if self.target_name != "wheel":
            return
        try:
            source = distribution(SOURCE)
        except PackageNotFoundError as error:
            message = (
                "the build takes the textures of frost from imagecorruptions==1.1.2: install it in this environment"
            )
            raise RuntimeError(message) from error
        files = {str(source.locate_file(f"{SOURCE}/frost/{name}")): name for name in TEXTURES}
        for path, name in files.items():
            if hashlib.sha256(Path(path).read_bytes()).hexdigest() != TEXTURES[name]:
                raise RuntimeError(f"{path} is not the texture {name} of imagecorruptions 1.1.2")
        licence = f"{SOURCE}-{source.version}.dist-info/LICENSE"
        files[str(source.locate_file(licence))] = "LICENSE"
        key = "force_include_editable" if version == "editable" else "force_include"
        build_data.setdefault(key, {}).update({path: f"{TARGET}/{name}" for path, name in files.items()})
