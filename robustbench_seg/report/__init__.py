"""The report: tables and figures of a result folder, as Markdown, CSV and SVG."""
