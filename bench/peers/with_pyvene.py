"""The skilled batch (skilled.py) written with pyvene."""

import pyvene
from setting import LAYER, Setting, report

setting = Setting(patches=120)
model = setting.model
clean = setting.clean_z(LAYER)
image = model.vision_model(setting.corrupt_pixels)[0]
patched = pyvene.IntervenableModel(
    {
        "component": f"encoder.layer[{LAYER}].crossattention.self.output",
        "intervention": lambda base, source: setting.patch_rows(base.clone(), clean),
    },
    model=model.text_encoder,
)


def work():
    count = len(setting.places())
    inputs = {
        "input_ids": setting.ids.expand(count, -1),
        "encoder_hidden_states": image.expand(count, -1, -1),
    }
    _, output = patched(base=inputs)
    return setting.read(output[0])[1]


report(setting, "pyvene 0.1.8", f"the skilled batch of {len(setting.places())} as an intervention", work)
