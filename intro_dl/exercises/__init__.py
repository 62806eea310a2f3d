"""Exercises that check the student's own code and explain what went wrong.

`lecture_000/` to `lecture_004/` have one file an exercise; each package lists them in slide order in
`EXERCISES`. `engine/` finds, checks and reports them.
"""
