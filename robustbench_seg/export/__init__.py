"""Corrupted images on disk: for each condition a tree in Cityscapes' own layout, which the adapter `cityscapes` reads.

    DIR/manifest.json                       data set, classes, fingerprint, seed, engine version, format, versions
    DIR/gtFine/...                          the labels, once
    DIR/<corruption>/<severity>/
        manifest.json                       the same and the condition, so that a tree can be taken away by itself
        leftImg8bit/<split>/<city>/<id>_leftImg8bit.png or .webp
        gtFine/<split>/<city>/<id>_gtFine_labelTrainIds.png
        sha256sums.txt                      of every image and label, written last: `sha256sum -c sha256sums.txt`

The pixels are those that `run` corrupts on the fly. A tree's labels are hard links to DIR/gtFine, since they are the
same under every condition: they take no room, and unlike symbolic links they survive when a tree is moved or copied.
"""

from .spec import Export, choose_conditions
from .write import Listener, export_images

__all__ = ["Export", "Listener", "choose_conditions", "export_images"]
