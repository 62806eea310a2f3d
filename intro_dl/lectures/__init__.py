"""The claims of the five lectures in slide order, each a function that can fail, and the slides' errata."""
