"""The speed of this project, measured side by side with its peers. README.md has the method."""
