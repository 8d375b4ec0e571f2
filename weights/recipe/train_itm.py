"""Trains a small BlipForImageTextRetrieval on sentences about rendered scenes and saves it as a Hugging Face folder.

    python train_itm.py --train DIR --test DIR --from ../scenes --out DIR

Vision tower (which stays as it is) and text encoder begin with those of weights/scenes.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from transformers import BlipForImageTextRetrieval

from blip_start import begin_with, config
from frozen import Curve, Optimizer, Pictures, rate_at
from scenes import TASKS, pixels, processor, read_pictures
from sentences import Words, asked, pair, vocabulary
from train import save

TEMPERATURE = 0.05


def packed(model, ids, seen, repeats):
    """The text encoder's [CLS] for ids [batch * repeats, length]; `seen` [batch, token, width], or None for none. Sentences about a
    picture go through as one sequence in which each sees only itself."""
    mask = (ids != model.config.text_config.pad_token_id).long()
    length = ids.shape[1]
    own = torch.block_diag(*[torch.ones(length, length)] * repeats)
    last = model.text_encoder(
        input_ids=ids.reshape(-1, repeats * length),
        position_ids=torch.arange(length).repeat(repeats)[None],
        attention_mask=own * mask.view(-1, 1, repeats * length),
        encoder_hidden_states=seen,
        return_dict=False,
    )[0]
    return last.view(len(ids), length, -1)[:, 0]


def match(model, ids, seen, repeats=1):
    return model.itm_head(packed(model, ids, seen, repeats))


def similarity(model, ids, seen, repeats=1):
    """[batch * repeats]: the cosine of each sentence and its picture."""
    sentence = F.normalize(model.text_proj(packed(model, ids, None, repeats)), dim=-1)
    picture = F.normalize(model.vision_proj(seen[:, 0]), dim=-1)
    return (sentence * picture.repeat_interleave(repeats, 0)).sum(-1)


class World:
    def __init__(self, pictures: Pictures, tokenizer, rng):
        self.pictures, self.tokenizer, self.rng = pictures, tokenizer, rng
        self.words = Words(pictures.lines)

    def ids(self, sentences: list[str]) -> torch.Tensor:
        return self.tokenizer(sentences, padding=True, return_tensors="pt")["input_ids"]

    def batch(self, counts: dict[str, int], repeats: int):
        """Pictures as the tower sees them, and `repeats` pairs of sentences about each: true, false, true, false ..."""
        seen, sentences = [], []
        whole = self.rng.random() < 0.15  # of a batch, since the longest sentence sets its length
        for task, count in counts.items():
            rows = self.rng.choice(len(self.pictures.lines[task]), count, replace=False)
            seen.append(self.pictures.seen[task][rows])
            for row in rows:
                for _ in range(repeats):
                    sentences += pair(self.rng, task, self.pictures.lines[task][row], self.words, whole)
        return torch.from_numpy(np.concatenate(seen)).float(), self.ids(sentences)


@torch.no_grad()
def accuracy(model, world: World, test: Pictures, lines: dict[str, list[dict]]) -> dict:
    """On held-out questions turned into sentences. `pairs`: of the true and the false sentence about a picture the true one has the
    larger match; `each`: both sentences told right for themselves; `pictures`: of a picture and its minimal pair, the right one has the
    larger match with the sentence; `similarity`: as `pairs`, by the cosine."""
    report = {}
    for task in TASKS:
        found: dict[str, list] = {"pairs": [], "each": [], "pictures": [], "similarity": []}
        for at in range(0, len(lines[task]), 100):
            part = lines[task][at : at + 100]
            whole = [asked(line, "this")[1] for line in part]
            true = world.ids([one.format(line["answers"][0]) for one, line in zip(whole, part)])
            false = world.ids([one.format(line["answers"][1]) for one, line in zip(whole, part)])
            both = test.seen[task][2 * at : 2 * (at + len(part))]
            clean, other = (torch.from_numpy(both[i::2]).float() for i in (0, 1))
            yes, no, wrong = (match(model, ids, seen) for ids, seen in ((true, clean), (false, clean), (true, other)))
            score = lambda logits: logits[:, 1] - logits[:, 0]
            found["pairs"].append(score(yes) > score(no))
            found["each"].append((score(yes) > 0) & (score(no) < 0))
            found["pictures"].append(score(yes) > score(wrong))
            found["similarity"].append(similarity(model, true, clean) > similarity(model, false, clean))
        report[task] = {name: round(float(torch.cat(some).float().mean()), 4) for name, some in found.items()}
    return report


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--from", type=Path, required=True, dest="lender")
    parser.add_argument("--begin", type=Path, help="go on with the weights of an earlier run of this trainer")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pictures", type=int, nargs=3, default=[28000, 18000, 18000])
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--batch", type=int, nargs=3, default=[14, 5, 3])
    parser.add_argument("--repeats", type=int, default=3, help="pairs a picture")
    parser.add_argument("--alike", type=int, default=1, help="the similarity learns in one of so many steps")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tested", type=int, default=300, help="scenes a task along the way")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    blip = processor(vocabulary(args.lender / "vocab.txt", args.out / "vocab.txt"))
    model = BlipForImageTextRetrieval(config(args.lender, blip.tokenizer, "BlipForImageTextRetrieval"))
    new = begin_with(model, args.lender, {"vision_model.": "vision_model.", "text_encoder.": "text_encoder."}, blip.tokenizer)
    print("begins from nothing:", new)
    if args.begin:
        model.load_state_dict(load_file(args.begin / "model.safetensors"))
    model.vision_model.requires_grad_(False)
    look = lambda some: model.vision_model(pixels(some)).last_hidden_state
    pictures = Pictures(args.train, dict(zip(TASKS, args.pictures)))
    pictures.look(look, args.out.parent / "seen.npz")
    lines = {task: [json.loads(line) for line in (args.test / f"{task}.jsonl").open()][: args.tested] for task in TASKS}
    test = Pictures(args.test, dict.fromkeys(TASKS, 0))
    test.pixels = {task: read_pictures(args.test, task)[: 2 * args.tested] for task in TASKS}
    test.look(look, args.out.parent / f"seen-test-{args.tested}.npz")
    world = World(pictures, blip.tokenizer, rng)
    optimizer = Optimizer([model.text_encoder, model.itm_head, model.vision_proj, model.text_proj])
    curve = Curve(args.out / "curve.jsonl")
    losses = []
    for step in range(args.steps):
        seen, ids = world.batch(dict(zip(TASKS, args.batch)), args.repeats)
        repeats = 2 * args.repeats
        true = (torch.arange(len(ids)) % 2 == 0).long()
        told = F.cross_entropy(match(model, ids, seen, repeats), true)
        alike = torch.zeros(())
        if step % args.alike == 0:
            near = similarity(model, ids, seen, repeats).view(-1, 2) / TEMPERATURE
            alike = F.cross_entropy(near, torch.zeros(len(near), dtype=torch.long))
        optimizer.step(told + 0.3 * alike, rate_at(step, args.steps, args.rate))
        losses.append([told.item(), alike.item()])
        if step % 100 == 99 or step + 1 == args.steps:
            row = {"step": step + 1, "cpuSeconds": round(time.process_time())}
            row.update(zip(("match", "similarity"), np.mean(losses, 0).round(4).tolist()))
            row["accuracy"] = accuracy(model, world, test, lines)
            curve.tell(row)
            losses.clear()
            save(model, blip, args.out)


if __name__ == "__main__":
    main()
