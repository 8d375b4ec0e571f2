"""What all rows of bench/sweep.ts have in common: the model, the pair, the clean values, and the clock.

    python <peer>.py CHECKPOINT --threads 1 --patches 120      prints {"name", "secondsPerPatch", "patchesTimed", "note", "logitDiff"}

`logitDiff` is the first patch's, by which bench/sweep.ts sees that all peers do the same work.
"""

import argparse
import json
import time

import torch
from transformers import BlipForQuestionAnswering

torch.set_grad_enabled(False)

IDS = [101, *range(2000, 2008), 102]  # ten tokens, as bench/base-checkpoint.ts numbers them
CORRECT, INCORRECT = 2005, 2007


class Setting:
    def __init__(self, patches):
        arguments = argparse.ArgumentParser()
        arguments.add_argument("checkpoint")
        arguments.add_argument("--threads", type=int, default=1)
        arguments.add_argument("--patches", type=int, default=patches)
        given = arguments.parse_args()
        torch.set_num_threads(given.threads)
        self.patches = given.patches
        self.model = BlipForQuestionAnswering.from_pretrained(given.checkpoint, attn_implementation="eager").eval()
        text = self.model.config.text_config
        self.layers, self.heads = text.num_hidden_layers, text.num_attention_heads
        self.head_dim = text.hidden_size // self.heads
        size = self.model.config.vision_config.image_size
        torch.manual_seed(1)
        self.clean_pixels, self.corrupt_pixels = torch.randn(2, 1, 3, size, size)
        self.ids = torch.tensor([IDS])
        self.start = torch.tensor([[text.bos_token_id]])

    def places(self):
        """(head, token) of the patches of one layer, the first `patches` of them."""
        every = [(head, token) for head in range(self.heads) for token in range(len(IDS))]
        return every[: self.patches]

    def cross_attention(self, layer):
        return self.model.text_encoder.encoder.layer[layer].crossattention.self

    def clean_z(self, layer):
        """[1, token, width] of the clean pass at one layer."""
        kept = []
        hook = self.cross_attention(layer).register_forward_hook(lambda _, inputs, output: kept.append(output[0]))
        image = self.model.vision_model(self.clean_pixels)[0]
        self.model.text_encoder(self.ids, encoder_hidden_states=image)
        hook.remove()
        return kept[0]

    def patch_rows(self, z, clean):
        """Puts one head of one token of the clean pass into each row of z [patch, token, width]."""
        for row, (head, token) in enumerate(self.places()):
            part = slice(head * self.head_dim, (head + 1) * self.head_dim)
            z[row, token, part] = clean[0, token, part]
        return z

    def read(self, hidden):
        """P(correct) and the logit difference of passes, from the text encoder's output [pass, token, width]."""
        start = self.start.expand(len(hidden), 1)
        logits = self.model.text_decoder(start, encoder_hidden_states=hidden).logits[:, -1]
        return torch.softmax(logits, -1)[:, CORRECT], logits[:, CORRECT] - logits[:, INCORRECT]


def report(name, note, work, patches):
    """Times one call of `work`, which makes that many patches and returns their logit differences; prints the row."""
    start = time.perf_counter()
    differences = work()
    seconds = (time.perf_counter() - start) / patches
    row = {"name": name, "secondsPerPatch": seconds, "patchesTimed": patches, "note": note}
    print(json.dumps({**row, "logitDiff": float(differences[0])}))
