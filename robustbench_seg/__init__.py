"""robustbench-seg: how far can a semantic-segmentation model be trusted when the image is not clean?"""

__version__ = "0.1.0"
__all__ = ["__version__"]
