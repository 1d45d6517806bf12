"""What a program calls: evaluate a model on data, read what is stored, compare two stores. Behind the front door."""
