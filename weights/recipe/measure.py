"""What Hugging Face's `generate` answers on held-out pairs, and how much of the answer each head carries.

    python measure.py --model DIR --test DIR --out FILE.json [--ours FILE.json] [--heads 200]

--ours: what `notice accuracy MODEL --json FILE` wrote about the same scenes, compared word for word.
--heads: pairs of each task for the effect of every cross-attention head of the text encoder.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from transformers import BlipForQuestionAnswering, BlipProcessor

from scenes import SIDE, TASKS, pixels, read_lines, read_pictures, through_file


@torch.no_grad()
def answers(model, tokenizer, pictures, questions) -> list[str]:
    said = []
    for at in range(0, len(questions), 100):
        ids = tokenizer(questions[at : at + 100], return_tensors="pt")["input_ids"]
        out = model.generate(input_ids=ids, pixel_values=pixels(pictures[at : at + 100]), max_new_tokens=8)
        said += tokenizer.batch_decode(out, skip_special_tokens=True)
    return said


def tally(lines, clean, corrupt, blank) -> dict:
    """Accuracy in all and by aspect, share of pairs both of whose answers are right, and accuracy on grey."""
    wanted = [line["answers"] for line in lines]
    right = np.array([word == pair[0] for word, pair in zip(clean, wanted)])
    flipped = right & np.array([word == pair[1] for word, pair in zip(corrupt, wanted)])
    guessed = np.array([word == pair[0] for word, pair in zip(blank, wanted)])
    aspects = np.array([line["aspect"] for line in lines])
    share = lambda values: round(float(values.mean()), 4)
    return {
        "accuracy": share(right),
        "aspects": {aspect: share(right[aspects == aspect]) for aspect in sorted(set(aspects))},
        "flips": share(flipped),
        "blank": share(guessed),
    }


class Heads:
    """Reads, or puts back, the output of every cross-attention head (before the output projection) of the text encoder."""

    def __init__(self, model):
        self.layers = [layer.crossattention.self for layer in model.text_encoder.encoder.layer]
        self.count = self.layers[0].num_attention_heads
        self.size = self.layers[0].attention_head_size

    def read(self, run) -> list[torch.Tensor]:
        kept: list[torch.Tensor] = []
        hooks = [layer.register_forward_hook(lambda _, __, out: kept.append(out[0])) for layer in self.layers]
        run()
        for hook in hooks:
            hook.remove()
        return kept  # per layer [batch, token, width]

    def put(self, run, clean, layer, head, positions):
        rows = slice(head * self.size, (head + 1) * self.size)

        def replace(_, __, out):
            z = out[0].clone()
            z[..., rows] = torch.where(positions[..., None], clean[layer][..., rows], z[..., rows])
            return (z, *out[1:])

        hook = self.layers[layer].register_forward_hook(replace)
        result = run()
        hook.remove()
        return result


@torch.no_grad()
def head_effects(model, tokenizer, lines, pictures) -> dict:
    """Mean effect of each head [layer][head], clean into corrupted image (SIP): at all tokens, and at the correct answer's."""
    start = model.config.text_config.bos_token_id
    ids = tokenizer([line["question"] for line in lines], return_tensors="pt")["input_ids"]
    correct, incorrect = (
        torch.tensor(tokenizer.convert_tokens_to_ids([line["answers"][i] for line in lines])) for i in (0, 1)
    )
    bos = torch.full((len(lines), 1), start)

    def difference(values):
        images = model.vision_model(values).last_hidden_state
        encoded = model.text_encoder(input_ids=ids, encoder_hidden_states=images, return_dict=False)[0]
        logits = model.text_decoder(input_ids=bos, encoder_hidden_states=encoded, use_cache=False).logits[:, -1]
        return (logits.gather(1, correct[:, None]) - logits.gather(1, incorrect[:, None]))[:, 0]

    clean_values, corrupt_values = pixels(pictures[0::2]), pixels(pictures[1::2])
    heads = Heads(model)
    clean = heads.read(lambda: difference(clean_values))
    whole = difference(clean_values)
    corrupt = difference(corrupt_values)
    everywhere = torch.ones_like(ids, dtype=torch.bool)
    places = {"all": everywhere, "answer": ids == correct[:, None]}
    effects = {}
    for name, positions in places.items():
        table = torch.zeros(len(heads.layers), heads.count)
        for layer in range(len(heads.layers)):
            for head in range(heads.count):
                patched = heads.put(lambda: difference(corrupt_values), clean, layer, head, positions)
                table[layer, head] = ((patched - corrupt) / (whole - corrupt)).mean()
        effects[name] = table
    order = effects["all"].abs().flatten().sort(descending=True).values
    carried = (order.cumsum(0) < 0.8 * order.sum()).sum().item() + 1
    tables = {name: [[round(value, 3) for value in row] for row in table.tolist()] for name, table in effects.items()}
    return {"headsFor80": carried, "of": order.numel(), **tables}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--ours", type=Path)
    parser.add_argument("--heads", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = BlipForQuestionAnswering.from_pretrained(args.model).eval()
    tokenizer = BlipProcessor.from_pretrained(args.model).tokenizer
    ours = {one["task"]: one["answers"] for one in json.loads(args.ours.read_text())["results"]} if args.ours else {}
    report = {}
    for task in TASKS:
        lines, pictures = read_lines(args.test, task), read_pictures(args.test, task)
        questions = [line["question"] for line in lines]
        grey = np.full((len(lines), SIDE, SIDE, 3), 128, np.uint8)
        said = {
            "clean": answers(model, tokenizer, pictures[0::2], questions),
            "corrupt": answers(model, tokenizer, pictures[1::2], questions),
            "blank": answers(model, tokenizer, grey, questions),
        }
        report[task] = tally(lines, said["clean"], said["corrupt"], said["blank"])
        files = np.stack([through_file(picture, task == "faces") for picture in pictures[0::2]])
        right = [word == line["answers"][0] for word, line in zip(answers(model, tokenizer, files, questions), lines)]
        report[task]["asDataset"] = round(float(np.mean(right)), 4)
        if task in ours:
            pairs = [(theirs, word) for name in said for theirs, word in zip(said[name], ours[task][name], strict=True)]
            report[task]["different"] = {"of": len(pairs), "count": sum(a != b for a, b in pairs)}
        if args.heads:
            report[task]["heads"] = head_effects(model, tokenizer, lines[: args.heads], pictures[: 2 * args.heads])
        print(task, json.dumps(report[task]), flush=True)
    args.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
