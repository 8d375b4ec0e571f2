"""What a skilled PyTorch user would write: the vision tower once, then all patches of a layer in one batch, with a
forward hook on the text encoder that replaces in each row one head of one token."""

from setting import LAYER, Setting, report

setting = Setting(patches=120)
model = setting.model
clean = setting.clean_z(LAYER)
image = model.vision_model(setting.corrupt_pixels)[0]


def work():
    count = len(setting.places())
    hook = setting.cross_attention(LAYER).register_forward_hook(
        lambda _, inputs, output: (setting.patch_rows(output[0].clone(), clean), *output[1:])
    )
    hidden = model.text_encoder(setting.ids.expand(count, -1), encoder_hidden_states=image.expand(count, -1, -1))[0]
    hook.remove()
    return setting.read(hidden)[1]


note = f"transformers on PyTorch, {len(setting.places())} patches a batch, forward hook"
report(setting, "a skilled PyTorch batch", note, work)
