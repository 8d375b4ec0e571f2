"""Runs a notebook in Deno's kernel, in its own folder, and writes it with its outputs. Needs nbclient.

python notebook.py DENO NOTEBOOK OUT
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

deno, notebook, out = sys.argv[1:]
with tempfile.TemporaryDirectory() as data:
    spec = Path(data, "kernels", "deno", "kernel.json")
    spec.parent.mkdir(parents=True)
    command = [deno, "jupyter", "--kernel", "--conn", "{connection_file}"]
    spec.write_text(json.dumps({"argv": command, "display_name": "Deno", "language": "typescript"}))
    os.environ.update(JUPYTER_PATH=data, DENO_NO_UPDATE_CHECK="1", NO_COLOR="1")
    cells = nbformat.read(notebook, as_version=4)
    folder = {"metadata": {"path": str(Path(notebook).resolve().parent)}}
    NotebookClient(cells, timeout=300, kernel_name="deno", resources=folder, record_timing=False).execute()
    nbformat.write(cells, out)
