"""The pictures of the slides, one script each, in `lecture_000/` to `lecture_004/`.

Each checks a property that makes the picture honest. A script draws one figure from top to bottom, in cells
(`# %%`) that editors and notebooks can run one by one: what the slide shows, the code, the picture, the
property. A picture that several lectures show lies with the first of them. `catalog.py` finds and runs the
scripts; `engine/` has what they share.
"""
