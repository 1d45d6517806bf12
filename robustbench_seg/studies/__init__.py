"""The family of studies: the store in, tables out. No torch is needed."""
