"""The skilled batch (skilled.py) written with nnsight."""

from nnsight import NNsight
from setting import LAYER, Setting, report

setting = Setting(patches=120)
model = setting.model
clean = setting.clean_z(LAYER)
image = model.vision_model(setting.corrupt_pixels)[0]
traced = NNsight(model.text_encoder)


def work():
    count = len(setting.places())
    ids, images = setting.ids.expand(count, -1), image.expand(count, -1, -1)
    with traced.trace(ids, encoder_hidden_states=images):
        z = traced.encoder.layer[LAYER].crossattention.self.output[0]
        setting.patch_rows(z, clean)
        hidden = traced.output[0].save()
    return setting.read(hidden)[1]


report(setting, "nnsight 0.8", f"the skilled batch of {len(setting.places())} as a trace", work)
