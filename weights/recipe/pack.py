"""From a trainer's folder to one of the repository: weights as float16, and no file besides those that are loaded.

    python pack.py RUN ../scenes-itm "a note that is shown wherever its heads are"
"""

import hashlib
import json
import sys
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

LEFT = {"state.pt", "vision.pt", "seen.npz", "curve.jsonl", "measured.json", "README.md", "SHA256SUMS"}


def main():
    run, to, note = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    to.mkdir(parents=True, exist_ok=True)
    for file in sorted(run.iterdir()):
        if file.is_file() and file.name not in LEFT and file.name != "model.safetensors":
            (to / file.name).write_bytes(file.read_bytes())
    with safe_open(run / "model.safetensors", "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    half = {name: one.half() if one.dtype == torch.float32 else one for name, one in tensors.items()}
    save_file(half, to / "model.safetensors", {"format": "pt"})
    config = json.loads((to / "config.json").read_text())
    config.pop("vlm_notice_note", None)
    config["dtype"] = "float32"  # what is computed in
    if note:
        config["vlm_notice_note"] = note
    (to / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    names = sorted(file.name for file in to.iterdir() if file.name not in LEFT)
    lines = [f"{hashlib.sha256((to / name).read_bytes()).hexdigest()}  {name}" for name in names]
    (to / "model.safetensors").chmod(0o644)
    (to / "SHA256SUMS").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
