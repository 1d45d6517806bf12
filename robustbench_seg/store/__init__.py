"""The store: a folder of results with a file per cell, which is checked whenever it is read."""
