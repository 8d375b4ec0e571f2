"""Trains a small BlipForConditionalGeneration on captions of rendered scenes and saves it as a Hugging Face folder.

    python train_caption.py --train DIR --test DIR --facts DIR --from ../scenes --out DIR

Vision tower (which stays as it is) and decoder begin with the vision tower and the text encoder of weights/scenes.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from transformers import BlipForConditionalGeneration

from blip_start import begin_with, config
from frozen import Curve, Optimizer, Pictures, rate_at
from scenes import TASKS, pixels, processor, read_lines, read_pictures
from sentences import asked, caption, fact, phrase, vocabulary
from train import save


def word_logits(model, ids, seen, repeats):
    """ids [batch * repeats, length], seen [batch, token, width] -> [batch * repeats, length, vocabulary]. Captions of a picture go
    through as one sequence in which each token sees only its own caption's earlier ones."""
    length = ids.shape[1]
    own = torch.block_diag(*[torch.ones(length, length).tril()] * repeats)
    out = model.text_decoder(
        input_ids=ids.reshape(-1, repeats * length),
        position_ids=torch.arange(length).repeat(repeats)[None],
        attention_mask=own.expand(len(seen), -1, -1),
        encoder_hidden_states=seen,
        use_cache=False,
    )
    return out.logits.view(len(ids), length, -1)


class World:
    def __init__(self, pictures: Pictures, tokenizer, rng):
        self.pictures, self.tokenizer, self.rng = pictures, tokenizer, rng
        self.start, self.end, self.pad = (tokenizer.convert_tokens_to_ids(one) for one in ("[DEC]", "[SEP]", "[PAD]"))

    def begun(self, texts: list[str]) -> list[list[int]]:
        """As `generate` has a prompt: [DEC] in the place of [CLS], no [SEP]."""
        return [[self.start, *ids] for ids in self.tokenizer(texts, add_special_tokens=False)["input_ids"]]

    def batch(self, counts: dict[str, int], repeats: int):
        """Pictures as the tower sees them, captions, and which of their tokens are to be learned (those after the prompt)."""
        seen, prompts, wholes = [], [], []
        for task, count in counts.items():
            rows = self.rng.choice(len(self.pictures.lines[task]), count, replace=False)
            seen.append(self.pictures.seen[task][rows])
            for row in np.repeat(rows, repeats):
                prompt, rest = caption(self.rng, task, self.pictures.lines[task][row])
                prompts.append(prompt)
                wholes.append(f"{prompt} {rest}")
        ids = [[*one, self.end] for one in self.begun(wholes)]
        length = max(len(one) for one in ids)
        learned = [[False] * (len(start) - 1) + [True] * (len(one) - len(start)) for start, one in zip(self.begun(prompts), ids)]
        full = torch.tensor([one + [self.pad] * (length - len(one)) for one in ids])
        mask = torch.tensor([one + [False] * (length - 1 - len(one)) for one in learned])
        return torch.from_numpy(np.concatenate(seen)).float(), full, mask


def true_of(task: str, line: dict, said: str) -> bool:
    """Whether a caption says only what is so, and of attributes every shape once."""
    if task == "attributes":
        return sorted(said.rstrip(" .").split(" and ")) == sorted(phrase(one) for one in line["objects"])
    facts = fact(line)
    if task == "actions":
        wanted = ("a {subject} is {verb} a {object}", "a {subject} {verb} a {object}")
    else:
        wanted = ("this person is feeling {expression}", "a {expression} person")
    return said.rstrip(" .") in {one.format(**facts) for one in wanted}


@torch.no_grad()
def accuracy(model, world: World, test: Pictures, lines, facts) -> dict:
    """On held-out scenes. `pairs`: after the caption's beginning ("the star is"), the word that is true is likelier than the false one;
    `pictures`: and on the minimal pair's picture the other is; `captions`: greedy captions with nothing false in them; `prompted`: the
    same after "a picture of"."""
    report = {}
    for task in TASKS:
        found: dict[str, list] = {"pairs": [], "pictures": [], "captions": [], "prompted": []}
        for at, line in enumerate(lines[task]):
            begun = torch.tensor(world.begun([asked(line)[0]]))
            right, wrong = world.tokenizer.convert_tokens_to_ids(line["answers"])
            seen = torch.from_numpy(test.seen[task][2 * at : 2 * at + 2]).float()
            logits = word_logits(model, begun.expand(2, -1), seen, 1)[:, -1]
            margin = logits[:, right] - logits[:, wrong]
            found["pairs"].append(bool(margin[0] > 0))
            found["pictures"].append(bool(margin[0] > 0 > margin[1]))
        for name, prompt in (("captions", ""), ("prompted", "a picture of")):
            said = greedy(model, world, torch.from_numpy(test.seen[task][::2]).float(), prompt)
            found[name] = [true_of(task, line, one) for line, one in zip(facts[task], said)]
        report[task] = {name: round(float(np.mean(some)), 4) for name, some in found.items()}
    return report


def greedy(model, world: World, seen, prompt: str) -> list[str]:
    ids = torch.tensor(world.begun([prompt])).expand(len(seen), -1)
    begun = ids.shape[1]
    while ids.shape[1] < 20:
        ids = torch.cat([ids, word_logits(model, ids, seen, 1)[:, -1].argmax(-1)[:, None]], 1)
    rows = [row[begun:] for row in ids.tolist()]
    return world.tokenizer.batch_decode([row[: row.index(world.end)] if world.end in row else row for row in rows])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--facts", type=Path, required=True, help="the held-out scenes again, with what is true of them")
    parser.add_argument("--from", type=Path, required=True, dest="lender")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pictures", type=int, nargs=3, default=[28000, 18000, 18000])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, nargs=3, default=[14, 5, 3])
    parser.add_argument("--repeats", type=int, default=4, help="captions a picture")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tested", type=int, default=300, help="scenes a task along the way")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    blip = processor(vocabulary(args.lender / "vocab.txt", args.out / "vocab.txt"))
    model = BlipForConditionalGeneration(config(args.lender, blip.tokenizer, "BlipForConditionalGeneration"))
    lent = {"vision_model.": "vision_model.", "text_encoder.": "text_decoder.bert.", "text_decoder.cls.": "text_decoder.cls."}
    print("begins from nothing:", begin_with(model, args.lender, lent, blip.tokenizer))
    model.vision_model.requires_grad_(False)
    look = lambda some: model.vision_model(pixels(some)).last_hidden_state
    pictures = Pictures(args.train, dict(zip(TASKS, args.pictures)))
    pictures.look(look, args.out.parent / "seen.npz")
    lines = {task: read_lines(args.test, task)[: args.tested] for task in TASKS}
    facts = {task: read_lines(args.facts, task)[: args.tested] for task in TASKS}
    test = Pictures(args.test, dict.fromkeys(TASKS, 0))
    test.pixels = {task: read_pictures(args.test, task)[: 2 * args.tested] for task in TASKS}
    test.look(look, args.out.parent / f"seen-test-{args.tested}.npz")
    world = World(pictures, blip.tokenizer, rng)
    optimizer = Optimizer([model.text_decoder])
    curve = Curve(args.out / "curve.jsonl")
    losses = []
    for step in range(args.steps):
        seen, ids, learned = world.batch(dict(zip(TASKS, args.batch)), args.repeats)
        logits = word_logits(model, ids[:, :-1], seen, args.repeats)
        loss = F.cross_entropy(logits[learned], ids[:, 1:][learned])
        optimizer.step(loss, rate_at(step, args.steps, args.rate))
        losses.append(loss.item())
        last = step + 1 == args.steps
        if step % 100 == 99 or last:
            row = {"step": step + 1, "cpuSeconds": round(time.process_time()), "loss": round(float(np.mean(losses)), 4)}
            if step % 300 == 299 or last:
                row["accuracy"] = accuracy(model, world, test, lines, facts)
            curve.tell(row)
            losses.clear()
            save(model, blip, args.out)


if __name__ == "__main__":
    main()
