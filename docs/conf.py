"""How the documentation is built: MyST pages whose code runs, and a reference made from the docstrings."""

import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
# One thread a process, and the `firstlight` of this environment for pages that type commands.
os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

import generated  # noqa: E402

import firstlight  # noqa: E402

project = "firstlight"
author = "The firstlight developers"
copyright = "The firstlight developers, BSD 3-Clause"
version = release = firstlight.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "_generated", "explanation/realism"]
html_theme = "furo"
html_title = "firstlight"
html_copy_source = False
html_show_sourcelink = False

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_timeout = 170
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_merge_streams = True
nb_render_markdown_format = "myst"
smartquotes = False  # quotes and dashes of commands and messages stay as they are

autodoc_typehints = "none"  # the docstrings say types with unit and shape
autodoc_member_order = "groupwise"
autodoc_preserve_defaults = True
autosummary_generate = False
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True


def setup(app):
    """Write the generated parts before the pages are read."""
    app.connect("builder-inited", lambda app: generated.write(HERE / "_generated"))
    app.connect("autodoc-process-docstring", absolute_values)


def absolute_values(app, what, name, value, options, lines):
    """Let ``|x|`` be an absolute value in docstrings, as people read it, and no substitution."""
    lines[:] = [re.sub(r"\|(\w+)\|", r"\\|\1\\|", line) for line in lines]
