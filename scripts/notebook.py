"""Runs a notebook in Deno's kernel, in its own folder, and writes it with its outputs. Needs jupyter-client and nbformat.

python notebook.py DENO NOTEBOOK OUT

Not with nbclient, which stops listening when the kernel is idle: Deno's (2.9.6) now and then sends a result after that.
"""

import json
import os
import queue
import sys
import tempfile
from pathlib import Path

import nbformat
from jupyter_client.manager import start_new_kernel

LONGEST = 300  # seconds a cell
SETTLED = 1  # seconds of silence after a cell

OUTPUTS = ("execute_result", "display_data", "stream", "error")


def reply_to(client, asked):
    """The reply to this request: one that the kernel owed from its start may come before it."""
    while True:
        reply = client.get_shell_msg(timeout=LONGEST)
        if reply["parent_header"].get("msg_id") == asked:
            return reply["content"]


def run_cell(client, cell):
    """Runs one cell and puts what it shows into its outputs."""
    cell.outputs = []
    asked = client.execute(cell.source)
    reply = reply_to(client, asked)
    idle = False
    while True:
        try:
            message = client.get_iopub_msg(timeout=SETTLED)
        except queue.Empty:
            if idle:
                break
            continue
        if message["parent_header"].get("msg_id") != asked:
            continue
        idle = idle or message["content"].get("execution_state") == "idle"
        if message["msg_type"] in OUTPUTS:
            cell.outputs.append(nbformat.v4.output_from_msg(message))
    if reply["status"] != "ok":
        sys.exit(f"A cell failed: {cell.source}\n{reply.get('evalue')}")
    cell.execution_count = reply["execution_count"]


deno, notebook, out = sys.argv[1:]
cells = nbformat.read(notebook, as_version=4)
with tempfile.TemporaryDirectory() as data:
    spec = Path(data, "kernels", "deno", "kernel.json")
    spec.parent.mkdir(parents=True)
    command = [deno, "jupyter", "--kernel", "--conn", "{connection_file}"]
    spec.write_text(json.dumps({"argv": command, "display_name": "Deno", "language": "typescript"}))
    os.environ.update(JUPYTER_PATH=data, DENO_NO_UPDATE_CHECK="1", NO_COLOR="1")
    folder = str(Path(notebook).resolve().parent)
    manager, client = start_new_kernel(kernel_name="deno", cwd=folder)
    try:
        for cell in cells.cells:
            if cell.cell_type == "code":
                run_cell(client, cell)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
nbformat.write(cells, out)
