"""The store: a folder of results with a file per cell. A file is checked whenever it is read."""
