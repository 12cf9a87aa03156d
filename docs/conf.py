"""Settings of the documentation; what can be generated is generated into docs/_made."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
import made  # noqa: E402 - beside this file, which is no package

project = "Twinscope"
author = "Twinscope authors"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
html_theme = "sphinx_book_theme"
html_title = "Twinscope"
exclude_patterns = ["_build"]
autodoc_typehints = "none"
autodoc_member_order = "bysource"
nb_execution_mode = "off"  # they are executed from the root of the clone, in made.py
os.environ["PYTHONPATH"] = str(HERE.parent)  # for the kernels of notebooks
os.environ["MPLBACKEND"] = "agg"

made.write(HERE / "_made", notebooks=True)
