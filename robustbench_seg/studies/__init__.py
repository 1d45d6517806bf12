"""Studies turn the store into tables, without torch."""
