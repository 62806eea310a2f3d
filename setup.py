"""Find the packages: those below intro_dl/, and configs/ and results/ as packages in it.

pyproject.toml cannot say both: `packages.find` knows no package that lies elsewhere.
"""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["intro_dl*"]), "intro_dl.configs", "intro_dl.results.measured"],
    package_dir={"intro_dl.configs": "configs", "intro_dl.results.measured": "results"},
)
