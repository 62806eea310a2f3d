"""The ladder of the lectures, measured: from finished runs to results/*.json, and from these to RESULTS.md.

Free of torch, so that the page can be written anew at once.
"""
