"""The report: tables and figures of a result folder, as a page, Markdown, CSV, LaTeX, SVG and PDF."""
