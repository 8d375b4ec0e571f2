"""Trains a small BlipForQuestionAnswering on rendered scenes and saves it as a Hugging Face folder.

    python train.py --train DIR --test DIR --out DIR
"""

import argparse
import inspect
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from transformers import BlipConfig, BlipForQuestionAnswering

from frozen import Curve, shrink
from scenes import SIDE, TASKS, Objects, Questions, pixels, processor, read_lines, read_pictures, through_file

LENGTH = 10  # tokens of the longest question
NOTE = "How few heads matter is engineered: training shrank cross-attention heads (group penalty)."


def build(tokenizer, args) -> BlipForQuestionAnswering:
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in ("[DEC]", "[SEP]", "[PAD]")}
    shared = dict(
        hidden_size=args.width,
        intermediate_size=2 * args.width,
        num_attention_heads=args.heads,
        projection_dim=args.width,
        initializer_range=0.05,
    )
    config = BlipConfig(
        projection_dim=args.width,
        image_text_hidden_size=args.width,
        vision_config=dict(shared, num_hidden_layers=args.vision_layers, image_size=SIDE, patch_size=8),
        text_config=dict(
            shared,
            num_hidden_layers=args.layers,
            encoder_hidden_size=args.width,
            vocab_size=len(tokenizer),
            max_position_embeddings=32,
            bos_token_id=ids["[DEC]"],
            eos_token_id=ids["[SEP]"],
            sep_token_id=ids["[SEP]"],
            pad_token_id=ids["[PAD]"],
        ),
    )
    return BlipForQuestionAnswering(config)


def answer_logits(model, images, questions, decoder_ids, repeats):
    """images [batch, tokens, width], questions [batch * repeats, length] -> [batch * repeats, answer tokens, vocabulary].

    All questions about a picture go through the text encoder as one sequence in which each sees only itself, so that the
    picture's keys and values are computed once; the result is that of one at a time.
    """
    mask = (questions != model.config.text_config.pad_token_id).long()
    length = questions.shape[1]
    own = torch.block_diag(*[torch.ones(length, length)] * repeats)
    encoded = model.text_encoder(
        input_ids=questions.view(-1, repeats * length),
        position_ids=torch.arange(length).repeat(repeats)[None],
        attention_mask=own * mask.view(-1, 1, repeats * length),
        encoder_hidden_states=images,
        return_dict=False,
    )[0]
    return model.text_decoder(
        input_ids=decoder_ids,
        encoder_hidden_states=encoded.reshape(len(questions), length, -1),
        encoder_attention_mask=mask,
        use_cache=False,
    ).logits


class World:
    """Training pictures, and batches of them that mix the tasks."""

    def __init__(self, directory: Path, tokenizer, rng: np.random.Generator):
        self.rng = rng
        lines = {task: read_lines(directory, task) for task in TASKS}
        self.pictures = {task: read_pictures(directory, task)[: len(lines[task])] for task in TASKS}
        self.questions = {task: Questions(lines[task], tokenizer, LENGTH) for task in TASKS}
        self.objects = Objects(directory, lines)
        self.alone = np.array([i for i, line in enumerate(lines["attributes"]) if line["alone"]])
        for task, share in (("attributes", 0.2), ("faces", 0.3)):
            for i in np.flatnonzero(rng.random(len(lines[task])) < share):
                self.pictures[task][i] = through_file(self.pictures[task][i], task == "faces")

    def batch(self, counts: dict[str, int], repeats: int, simple: bool):
        pictures, ids, answers, known, true = [], [], [], [], []
        for task, count in counts.items():
            some = self.alone if simple and task == "attributes" else len(self.pictures[task])
            rows = self.rng.choice(some, count, replace=False)
            questions = self.questions[task]
            first, after = questions.first[rows], questions.first[rows + 1]
            chosen = np.concatenate([self.rng.choice(np.arange(a, b), repeats, replace=False) for a, b in zip(first, after)])
            flips = self.rng.random(count) < 0.5
            values = pixels(self.pictures[task][rows])
            values[flips] = values[flips].flip(-1)
            pictures.append(values)
            ids.append(questions.ids[chosen])
            answers.append(questions.answers[chosen])
            for parts, part in zip((known, true), self.objects.of(task, rows, flips)):
                parts.append(part)
        join = lambda parts: torch.from_numpy(np.concatenate(parts))
        return torch.cat(pictures), join(ids), join(answers), join(known).float(), join(true).float()


def shrink_heads(model, amount: float):
    """A group penalty on the cross-attention heads of the text encoder: one group is a head's output weights, one its value weights."""
    for layer in model.text_encoder.encoder.layer:
        attention = layer.crossattention.self
        size = attention.attention_head_size
        for head in range(attention.num_attention_heads):
            rows = slice(head * size, (head + 1) * size)
            shrink([layer.crossattention.output.dense.weight[:, rows]], amount)
            shrink([attention.value.weight[rows], attention.value.bias[rows]], amount)


@torch.no_grad()
def accuracy(model, tokenizer, directory: Path, count: int) -> dict[str, float]:
    """Share of held-out questions answered with the right first word, per task and aspect."""
    right: dict[str, list[bool]] = {}
    start = model.config.text_config.bos_token_id
    for task in TASKS:
        lines = read_lines(directory, task)[:count]
        pictures = read_pictures(directory, task)[: 2 * count : 2]
        for at in range(0, len(lines), 100):
            part = lines[at : at + 100]
            ids = tokenizer([line["question"] for line in part], return_tensors="pt")["input_ids"]
            images = model.vision_model(pixels(pictures[at : at + 100])).last_hidden_state
            logits = answer_logits(model, images, ids, torch.full((len(part), 1), start), 1)
            said = tokenizer.convert_ids_to_tokens(logits[:, -1].argmax(-1))
            for line, word in zip(part, said):
                for name in {task, f"{task}.{line['aspect']}"}:
                    right.setdefault(name, []).append(word == line["answers"][0])
    return {name: round(float(np.mean(values)), 4) for name, values in sorted(right.items())}


def save(model, blip, folder: Path):
    model.save_pretrained(folder)
    blip.save_pretrained(folder)
    # transformers leaves out what equals its own defaults; a reader of the folder should not need to know them.
    config = json.loads((folder / "config.json").read_text())
    for part in (model.config.text_config, model.config.vision_config):
        names = [name for name in inspect.signature(type(part)).parameters if name != "kwargs"]
        key = "text_config" if part is model.config.text_config else "vision_config"
        config[key] = {"model_type": part.model_type, **{name: getattr(part, name) for name in sorted(names)}}
    config["vlm_notice_note"] = NOTE
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--heads", type=int, default=6)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--vision-layers", type=int, default=4)
    parser.add_argument("--steps", type=int, default=7500)
    parser.add_argument("--vision-steps", type=int, default=4000, help="of these steps, before the text towers learn too")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--penalty", type=float, default=2.0, help="of the cross-attention heads, in the later part")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bfloat16", action="store_true", help="half the time on a CPU with AVX-512 BF16, ten times on others")
    parser.add_argument("--stop", type=int, default=0, help="stop after so many steps of the schedule (for a trial)")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    blip = processor(args.train / "vocab.txt")
    tokenizer = blip.tokenizer
    model = build(tokenizer, args)
    world = World(args.train, tokenizer, rng)
    auxiliary = torch.nn.Linear(args.width, world.objects.count)
    vision = [*model.vision_model.parameters(), *auxiliary.parameters()]
    text = [*model.text_encoder.parameters(), *model.text_decoder.parameters()]
    groups = [
        dict(params=[p for p in part if (p.ndim > 1) == decayed], weight_decay=0.05 if decayed else 0.0, begin=begin)
        for part, begin in ((vision, 0), (text, args.vision_steps))
        for decayed in (True, False)
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98))
    counts, repeats = {"attributes": 28, "actions": 12, "faces": 6}, 4
    args.out.mkdir(parents=True, exist_ok=True)
    curve = Curve(args.out / "curve.jsonl")
    start, cpu, losses = model.config.text_config.bos_token_id, time.process_time(), []
    separator = model.config.text_config.sep_token_id
    for step in range(args.stop or args.steps):
        progress = step / args.steps
        rate = args.rate * max(0.01, 1 - progress**2)
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, max(0, (step + 1 - group["begin"]) / 200))
        values, ids, answers, known, true = world.batch(counts, repeats, simple=progress < 0.05)
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bfloat16):
            images = model.vision_model(values).last_hidden_state
            guess = auxiliary(images[:, 1:]).float()
        # Per fact: each known one has exactly one true column.
        facts = (F.binary_cross_entropy_with_logits(guess, true, reduction="none") * known).sum() / true.sum()
        loss = torch.zeros(())
        if step >= args.vision_steps:
            with torch.autocast("cpu", torch.bfloat16, enabled=args.bfloat16):
                decoder_ids = torch.stack([torch.full_like(answers, start), answers], 1)
                logits = answer_logits(model, images, ids, decoder_ids, repeats).float()
            loss = F.cross_entropy(logits[:, 0], answers)
            loss = loss + 0.1 * F.cross_entropy(logits[:, 1], torch.full_like(answers, separator))
        optimizer.zero_grad(set_to_none=True)
        (loss + facts).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        asking = (step - args.vision_steps) / (args.steps - args.vision_steps)  # how much of the text towers' time is over
        if asking >= 0.4:
            shrink_heads(model, rate * args.penalty * (3 if asking >= 0.7 else 1))
        losses.append([loss.item(), facts.item()])
        if step % 250 == 249 or step + 1 == (args.stop or args.steps):
            row = {"step": step + 1, "cpuSeconds": round(time.process_time() - cpu), "rate": rate}
            row.update(zip(("loss", "auxiliary"), np.mean(losses, 0).round(4).tolist()))
            if step >= args.vision_steps:
                row["accuracy"] = accuracy(model, tokenizer, args.test, 400)
            curve.tell(row)
            losses.clear()
            save(model, blip, args.out)


if __name__ == "__main__":
    main()
