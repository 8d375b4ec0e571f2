"""The PyTorch row of bench/forward.ts, on one thread: prints its figures as a line of JSON."""

import json
import resource
import statistics
import sys
import time

import torch
from transformers import BlipForQuestionAnswering

torch.set_num_threads(1)
torch.set_grad_enabled(False)


def median(work):
    times = []
    for _ in range(6):
        start = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times[1:])


start = time.perf_counter()
model = BlipForQuestionAnswering.from_pretrained(sys.argv[1], attn_implementation="eager").eval()
load = 1e3 * (time.perf_counter() - start)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

pixels = torch.randn(1, 3, 384, 384)
ids = torch.tensor([[101, *range(2000, 2008), 102]])
image = model.vision_model(pixels)[0]


def read():
    hidden = model.text_encoder(ids, encoder_hidden_states=image, return_dict=False)[0]
    model.text_decoder(torch.tensor([[30522]]), encoder_hidden_states=hidden)


vision, text = median(lambda: model.vision_model(pixels)), median(read)
name = f"Hugging Face transformers on PyTorch {torch.__version__.split('+')[0]}, one thread"
print(json.dumps({"name": name, "load": load, "peakRss": peak, "vision": vision, "text": text}))
