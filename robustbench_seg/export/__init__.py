"""Write corrupted images to disk: per condition a tree in Cityscapes' layout, which the data set `cityscapes` reads.

    DIR/manifest.json                       data set, classes, fingerprint, seed, engine version, format, versions
    DIR/gtFine/...                          the labels, once
    DIR/<corruption>/<severity>/
        manifest.json                       the same and the condition, so that a tree can be copied alone
        leftImg8bit/<split>/<city>/<id>_leftImg8bit.png or .webp
        gtFine/<split>/<city>/<id>_gtFine_labelTrainIds.png
        sha256sums.txt                      of every image and label, written last: `sha256sum -c sha256sums.txt`

`run` uses the same pixels, which it computes on the fly. A tree's labels are hard links to DIR/gtFine, because they are
the same under every condition. Hard links take no space, and unlike symbolic links they survive a move or a copy.
"""

from .spec import Export, choose_conditions
from .write import Listener, export_images

__all__ = ["Export", "Listener", "choose_conditions", "export_images"]
