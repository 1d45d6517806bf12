"""The synthetic street renderer: value types, layout, canvas, and one painter module per family of objects."""
