"""What all rows of bench/sweep.ts have in common: the model, the pair, the clean values, and the clock.

    python <peer>.py CHECKPOINT PAIR --threads 1 --patches 120   prints {"name", "secondsPerPatch", "patchesTimed", "note", "changes"}

PAIR is a folder as bench/noise-pair.ts writes it. `changes` are those of the logit difference by each patch timed, from head 0 and
token 0 on, by which bench/sweep.ts sees that all do the same work.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from transformers import BertTokenizer, BlipForImageTextRetrieval, BlipForQuestionAnswering

torch.set_grad_enabled(False)

CLASSES = {model.__name__: model for model in (BlipForQuestionAnswering, BlipForImageTextRetrieval)}
LAYER = 5  # every layer costs the same: the whole text encoder runs again


class Setting:
    def __init__(self, patches):
        arguments = argparse.ArgumentParser()
        arguments.add_argument("checkpoint", type=Path)
        arguments.add_argument("pair", type=Path)
        arguments.add_argument("--threads", type=int, default=1)
        arguments.add_argument("--patches", type=int, default=patches)
        given = arguments.parse_args()
        torch.set_num_threads(given.threads)
        self.patches = given.patches
        config = json.loads((given.checkpoint / "config.json").read_text())
        named = config.get("architectures", ["BlipForQuestionAnswering"])[0]
        self.matches = named == "BlipForImageTextRetrieval"
        self.model = CLASSES[named].from_pretrained(given.checkpoint, attn_implementation="eager").eval()
        text = self.model.config.text_config
        self.layers, self.heads = text.num_hidden_layers, text.num_attention_heads
        self.head_dim = text.hidden_size // self.heads
        size = self.model.config.vision_config.image_size
        values = torch.frombuffer(bytearray((given.pair / "pixels.f32").read_bytes()), dtype=torch.float32)
        self.clean_pixels, self.corrupt_pixels = values.view(2, 1, size, size, 3).permute(0, 1, 4, 2, 3).contiguous()
        words = json.loads((given.pair / "pair.json").read_text())
        tokenizer = BertTokenizer(str(given.checkpoint / "vocab.txt"))
        self.ids = torch.tensor([tokenizer(words["question"]).input_ids])
        self.correct, self.incorrect = (
            ["no match", "match"].index(answer) if self.matches else tokenizer(answer).input_ids[1]
            for answer in words["answers"]
        )
        self.start = torch.tensor([[text.bos_token_id]])
        image = self.model.vision_model(self.corrupt_pixels)[0]
        hidden = self.model.text_encoder(self.ids, encoder_hidden_states=image, return_dict=False)[0]
        self.corrupted = self.read(hidden)[1].item()

    def places(self):
        """(head, token) of the patches of one layer, the first `patches` of them."""
        every = [(head, token) for head in range(self.heads) for token in range(self.ids.shape[1])]
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
        if self.matches:
            logits = self.model.itm_head(hidden[:, 0])
        else:
            start = self.start.expand(len(hidden), 1)
            logits = self.model.text_decoder(start, encoder_hidden_states=hidden).logits[:, -1]
        return torch.softmax(logits, -1)[:, self.correct], logits[:, self.correct] - logits[:, self.incorrect]


def report(setting, name, note, work):
    """Times one call of `work`, which makes the setting's patches and returns their logit differences; prints the row."""
    start = time.perf_counter()
    differences = work()
    seconds = (time.perf_counter() - start) / setting.patches
    row = {"name": name, "secondsPerPatch": seconds, "patchesTimed": setting.patches, "note": note}
    print(json.dumps({**row, "changes": [float(difference) - setting.corrupted for difference in differences]}))
