"""RESULTS.md: from finished runs to results/*.json, and from these files to the page."""
