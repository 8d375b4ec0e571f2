"""The rows of bench/decoder.ts that PyTorch makes.

    python decoder.py CHECKPOINT PAIR --threads 1 --way procedure|batch|cache

prints a line as setting.py describes for every line that it reads

PAIR is a folder as bench/decoder-checkpoint.ts writes it. All put a head of a token of the clean pass into the corrupted one, by a
forward pre-hook on the output projection.

procedure  as NOTICE's authors do: every patch is a batch of three whole passes, clean, corrupted and patched
batch      what users of hook libraries write: features of the picture once, then batches of whole sequences
cache      an expert's: keys and values of the tokens before the patched one, computed once for all patches and not
           timed, are expanded over a batch, the rest is run
"""

import argparse
import copy
import json
import sys
import time
from pathlib import Path

import torch
from transformers import Idefics3ForConditionalGeneration

torch.set_grad_enabled(False)
arguments = argparse.ArgumentParser()
arguments.add_argument("checkpoint", type=Path)
arguments.add_argument("pair", type=Path)
arguments.add_argument("--threads", type=int, default=1)
arguments.add_argument("--way", choices=["procedure", "batch", "cache"], required=True)
arguments.add_argument("--patches", type=int, default=0)
given = arguments.parse_args()
torch.set_num_threads(given.threads)
model = Idefics3ForConditionalGeneration.from_pretrained(given.checkpoint, attn_implementation="sdpa", dtype=torch.float32).eval()
text = model.config.text_config
SIZE = text.head_dim
pair = json.loads((given.pair / "pair.json").read_text())
side = model.config.vision_config.image_size
values = torch.frombuffer(bytearray((given.pair / "pixels.f32").read_bytes()), dtype=torch.float32)
clean_pixels, corrupt_pixels = values.view(2, 1, pair["tiles"], side, side, 3).permute(0, 1, 2, 5, 3, 4).contiguous()
ids = torch.tensor([pair["ids"]])
correct, incorrect = (answer["id"] for answer in pair["answers"])
# A few where every patch costs the same; of all tokens where the cost is the rest of the prompt.
places = [tuple(place) for place in pair["places"]]
counts = {"procedure": 2, "batch": 4 if pair["tiles"] > 1 else 18, "cache": len(places)}
places = places[: given.patches or counts[given.way]]
read = model.model.text_model


def embedded(pixels):
    """[1, token, width] with the features of a picture."""
    features = model.model.get_image_features(pixels).reshape(-1, text.hidden_size)
    rows = read.embed_tokens(ids).clone()
    rows[0, pair["image"]] = features
    return rows


def difference(logits):
    return logits[..., correct] - logits[..., incorrect]


def clean_z():
    """Of each layer that is patched, [token, width]."""
    kept = {}
    hooks = [
        projection(layer).register_forward_pre_hook(lambda _, inputs, layer=layer: kept.update({layer: inputs[0][0]}))
        for layer in {layer for layer, _, _ in places}
    ]
    read(inputs_embeds=embedded(clean_pixels))
    for hook in hooks:
        hook.remove()
    return kept


def projection(layer):
    return read.layers[layer].self_attn.o_proj


def patched(rows, first, run):
    """Runs a batch in which row i has the patch rows[i]; its sequences begin with token `first`."""

    def put(layer):
        def hook(_, inputs):
            z = inputs[0].clone()  # [patch, token, width]
            for row, (at, head, token) in enumerate(rows):
                if at == layer:
                    part = slice(head * SIZE, (head + 1) * SIZE)
                    z[row, token - first, part] = clean[layer][token, part]
            return (z,)

        return hook

    hooks = [projection(layer).register_forward_pre_hook(put(layer)) for layer in {layer for layer, _, _ in rows}]
    hidden = run()
    for hook in hooks:
        hook.remove()
    return changes(difference(model.lm_head(hidden[:, -1])))


def changes(differences):
    """Against the corrupted pass, of which every way has the last row."""
    return (differences - before).tolist()


def procedure():
    pixels = torch.cat([clean_pixels, corrupt_pixels, corrupt_pixels])
    found = []
    for layer, head, token in places:

        def move(_, inputs):
            z = inputs[0].clone()  # [3, token, width]
            part = slice(head * SIZE, (head + 1) * SIZE)
            z[2, token, part] = z[0, token, part]
            return (z,)

        hook = projection(layer).register_forward_pre_hook(move)
        logits = model(input_ids=ids.expand(3, -1), pixel_values=pixels, use_cache=False, logits_to_keep=1).logits[:, -1]
        hook.remove()
        found.append((difference(logits[2]) - difference(logits[1])).item())
    return found


def batch():
    size = 4 if pair["tiles"] > 1 else 9
    found = []
    for at in range(0, len(places), size):
        some = places[at : at + size]
        run = lambda: read(inputs_embeds=rows.expand(len(some), -1, -1), use_cache=False).last_hidden_state  # noqa: E731
        found += patched(some, 0, run)
    return found


def cache():
    found = []
    for token in dict.fromkeys(token for _, _, token in places):
        some = [place for place in places if place[2] == token]
        past = copy.deepcopy(prefix)
        past.crop(token)
        past.batch_repeat_interleave(len(some))
        later = rows[:, token:].expand(len(some), -1, -1)
        run = lambda: read(inputs_embeds=later, past_key_values=past, use_cache=True).last_hidden_state  # noqa: E731
        found += patched(some, token, run)
    return found


WAYS = {
    "procedure": (procedure, "the authors' way", "whole model, three passes a patch"),
    "batch": (batch, "a batch of whole sequences", "features of the picture once, not timed; pre-hooks, logits of the last token"),
    "cache": (cache, "a cache of the prefix", "its keys and values expanded over a batch a token, only the rest is run"),
}
if given.way != "procedure":
    clean, rows = clean_z(), embedded(corrupt_pixels)
    before = difference(model.lm_head(read(inputs_embeds=rows, use_cache=False).last_hidden_state[0, -1]))
if given.way == "cache":
    prefix = read(inputs_embeds=rows[:, : max(token for _, _, token in places)], use_cache=True).past_key_values
work, name, note = WAYS[given.way]
# On one core in seconds of computing, which other work on the machine does not change.
clock = time.process_time if given.threads == 1 else time.perf_counter
print(json.dumps("ready"), flush=True)
for _ in sys.stdin:
    start = clock()
    found = work()
    seconds = (clock() - start) / len(places)
    row = {"name": name, "secondsPerPatch": seconds, "patchesTimed": len(places), "note": note, "changes": found}
    print(json.dumps(row), flush=True)
