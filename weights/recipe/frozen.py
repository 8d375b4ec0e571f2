"""What a vision tower that no longer learns says of every picture, computed once; Muon, which needs fewer steps than AdamW; the
proximal step of a group penalty; and the curve of a training."""

import json
import math
import time
from pathlib import Path

import numpy as np
import torch

from scenes import TASKS, read_lines, read_pictures


class Curve:
    """How a training goes: rows, as JSON lines of `file` and on the terminal."""

    def __init__(self, file: Path, mode="w"):
        self.file = file.open(mode)

    def tell(self, row: dict):
        line = json.dumps(row)
        print(line, time.strftime("%H:%M:%S"), flush=True)
        self.file.write(line + "\n")
        self.file.flush()


class Pictures:
    """The first `counts` pictures of each task: pixels, lines, and (after `look`) what the tower says of them."""

    def __init__(self, directory: Path, counts: dict[str, int]):
        self.lines = {task: read_lines(directory, task)[: counts[task]] for task in TASKS}
        self.pixels = {task: read_pictures(directory, task)[: counts[task]] for task in TASKS}
        self.seen: dict[str, np.ndarray] = {}

    @torch.no_grad()
    def look(self, tower, file: Path):
        """`tower`: uint8 pictures -> [batch, token, width]. Kept in `file`, as float16."""
        if not file.exists():
            parts = {
                task: np.concatenate([tower(some[at : at + 200]).half().numpy() for at in range(0, len(some), 200)])
                for task, some in self.pixels.items()
            }
            np.savez(file.with_suffix(".part.npz"), **parts)
            file.with_suffix(".part.npz").rename(file)
        self.seen = dict(np.load(file))


class Muon(torch.optim.Optimizer):
    """Matrices move by the nearest orthogonal matrix of their momentum (K. Jordan, 2024), as far as AdamW would move them."""

    def __init__(self, matrices, decay=0.05):
        super().__init__(matrices, dict(lr=0.0, decay=decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[torch.Tensor]] = {}
            for one in group["params"]:
                if one.grad is not None:
                    by_shape.setdefault(one.shape, []).append(one)
            for some in by_shape.values():
                moments = []
                for one in some:
                    moment = self.state[one].setdefault("moment", torch.zeros_like(one))
                    moment.mul_(0.95).add_(one.grad)
                    moments.append(one.grad + 0.95 * moment)
                for one, direction in zip(some, orthogonal(torch.stack(moments))):
                    one.mul_(1 - group["lr"] * group["decay"])
                    one.sub_(direction, alpha=group["lr"] * 0.2 * max(one.shape) ** 0.5)


def orthogonal(x: torch.Tensor) -> torch.Tensor:
    """Newton-Schulz on [batch, row, column]: singular values to about one."""
    wide = x if x.shape[1] <= x.shape[2] else x.transpose(1, 2)
    wide = wide / (wide.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        square = wide @ wide.transpose(1, 2)
        wide = 3.4445 * wide + (-4.775 * square + 2.0315 * square @ square) @ wide
    return wide if x.shape[1] <= x.shape[2] else wide.transpose(1, 2)


class Optimizer:
    """Muon for the matrices of the blocks, AdamW for all else (embeddings, vectors, what reads the answer)."""

    def __init__(self, modules: list[torch.nn.Module]):
        named = [item for module in modules for item in module.named_parameters() if item[1].requires_grad]
        blocks = [p for name, p in named if p.ndim == 2 and ".layer" in f".{name}"]
        chosen = {id(p) for p in blocks}
        rest = [p for _, p in named if id(p) not in chosen]
        self.parts = [Muon(blocks), torch.optim.AdamW(rest, betas=(0.9, 0.98), weight_decay=0.0)]
        self.parameters = blocks + rest

    def step(self, loss: torch.Tensor, rate: float):
        for part in self.parts:
            part.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = rate
            part.step()

    def state_dict(self):
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states):
        for part, state in zip(self.parts, states):
            part.load_state_dict(state)


def rate_at(step: int, steps: int, rate: float, warm: int = 60) -> float:
    return rate * max(0.01, 1 - step / steps) * min(1, (step + 1) / warm)


@torch.no_grad()
def shrink(group: list[torch.Tensor], amount: float):
    """Proximal step of a group penalty: takes `amount` off the norm of all of `group` together, down to zero."""
    norm = math.sqrt(sum(float(part.square().sum()) for part in group))
    for part in group:
        part.mul_(max(0.0, 1 - amount / norm) if norm > 0 else 0.0)
