"""NOTICE's own way, re-created plainly: each patch is a batch of three whole passes (clean, corrupted, patched), the
vision tower included, with a hook that moves one head of one token from the clean row to the patched one."""

import torch
from setting import LAYER, Setting, report

setting = Setting(patches=3)
model = setting.model
CLEAN, CORRUPTED, PATCHED = 0, 1, 2


def patch(layer, head, token):
    def move(_, inputs, output):
        z = output[0].clone()  # [3, token, width]
        part = slice(head * setting.head_dim, (head + 1) * setting.head_dim)
        z[PATCHED, token, part] = z[CLEAN, token, part]
        return (z, *output[1:])

    hook = setting.cross_attention(layer).register_forward_hook(move)
    image = model.vision_model(torch.cat([setting.clean_pixels, setting.corrupt_pixels, setting.corrupt_pixels]))[0]
    hidden = model.text_encoder(setting.ids.expand(3, -1), encoder_hidden_states=image)[0]
    _, difference = setting.read(hidden)
    hook.remove()
    return difference[PATCHED].item()


def work():
    return [patch(LAYER, head, token) for head, token in setting.places()]


patch(0, 0, 0)  # the first pass pays for allocations
report(setting, "the NOTICE procedure", "transformers on PyTorch, whole model each patch", work)
