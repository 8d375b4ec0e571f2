"""Trains a BlipForQuestionAnswering of six text layers on rendered scenes, over a vision tower that stays as it is, and saves it as a
Hugging Face folder.

    python train_seed.py --train DIR --test DIR --vision ../scenes --seed 1 --out DIR

Text encoder and decoder begin from nothing. From 40% of the steps on, a group penalty shrinks the encoder's cross-attention heads.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from transformers import BlipForQuestionAnswering

from blip_start import begin_with, config
from frozen import Curve, Optimizer, Pictures, rate_at
from scenes import TASKS, pixels, processor
from train import LENGTH, accuracy, answer_logits, save, shrink_heads
from train_lm import World


def build(lender: Path, tokenizer, layers: int) -> BlipForQuestionAnswering:
    made = config(lender, tokenizer, "BlipForQuestionAnswering")
    made.text_config.num_hidden_layers = layers
    model = BlipForQuestionAnswering(made)
    begin_with(model, lender, {"vision_model.": "vision_model."}, tokenizer)
    model.vision_model.requires_grad_(False)
    return model


def question_loss(model, seen, ids, answers, repeats):
    start, end = (torch.full_like(answers, getattr(model.config.text_config, f"{name}_token_id")) for name in ("bos", "sep"))
    logits = answer_logits(model, seen, ids, torch.stack([start, answers], 1), repeats)
    return F.cross_entropy(logits[:, 0], answers) + 0.1 * F.cross_entropy(logits[:, 1], end)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--vision", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--layers", type=int, default=6, help="of text encoder and of decoder")
    parser.add_argument("--pictures", type=int, nargs=3, default=[28000, 18000, 18000], help="of attributes, actions, faces")
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--batch", type=int, nargs=3, default=[14, 6, 4], help="pictures of attributes, actions, faces")
    parser.add_argument("--repeats", type=int, default=4, help="questions a picture")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--penalty", type=float, default=2.0, help="of the cross-attention heads, from 40%% of the steps on")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--stop", type=int, default=0, help="stop after so many steps of the schedule (for a trial)")
    return parser.parse_args()


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    blip = processor(args.train / "vocab.txt")
    model = build(args.vision, blip.tokenizer, args.layers)
    pictures = Pictures(args.train, dict(zip(TASKS, args.pictures)))
    pictures.look(lambda some: model.vision_model(pixels(some)).last_hidden_state, args.out.parent / "seen.npz")
    print("looked", time.strftime("%H:%M:%S"), flush=True)
    world = World(pictures, blip.tokenizer, LENGTH, rng)
    optimizer = Optimizer([model.text_encoder, model.text_decoder])
    curve = Curve(args.out / "curve.jsonl")
    cpu, losses = time.process_time(), []
    for step in range(args.stop or args.steps):
        rate = rate_at(step, args.steps, args.rate)
        seen, ids, answers = world.batch(dict(zip(TASKS, args.batch)), args.repeats, frozen=True)
        loss = question_loss(model, seen, ids, answers, args.repeats)
        optimizer.step(loss, rate)
        if step >= 0.4 * args.steps:
            shrink_heads(model, rate * args.penalty * (3 if step >= 0.7 * args.steps else 1))
        losses.append(loss.item())
        last = step + 1 == (args.stop or args.steps)
        if step % 100 == 99 or last:
            row = {"step": step + 1, "cpuSeconds": round(time.process_time() - cpu), "rate": rate}
            row["loss"] = round(float(np.mean(losses)), 4)
            if step % 400 == 399 or last:
                row["accuracy"] = accuracy(model, blip.tokenizer, args.test, 400)
                save(model, blip, args.out)
            curve.tell(row)
            losses.clear()


if __name__ == "__main__":
    main()
