#!/bin/sh
# From nothing to the folder weights/scenes: renders the pictures, trains, measures. Needs Node (npm ci done), Python
# 3.11 and 1.5 GB of disk; one CPU core needs about 45 minutes, and 30 with bf16 arithmetic and --bfloat16. Options go
# to train.py: weights/recipe/train.sh --seed 3
set -eu
cd "$(dirname "$0")"
pictures=pictures
run=runs/$(date +%Y%m%d-%H%M%S)

if [ ! -d .venv ]; then
  python3 -m venv .venv
  .venv/bin/pip install --quiet -r requirements.txt
fi
if [ ! -d $pictures ]; then
  npx tsx render.ts $pictures.partial/train --seed 1 --attributes 28000 --actions 18000 --faces 18000
  npx tsx render.ts $pictures.partial/test --seed 1000 --attributes 2000 --actions 2000 --faces 2000 --pairs
  mv $pictures.partial $pictures
fi
.venv/bin/python train.py --train $pictures/train --test $pictures/test --out "$run" "$@"
.venv/bin/python measure.py --model "$run" --test $pictures/test --out "$run/measured.json" --threads 2

files="config.json generation_config.json model.safetensors preprocessor_config.json special_tokens_map.json
  tokenizer.json tokenizer_config.json vocab.txt"
for file in $files; do install -m 644 "$run/$file" ../scenes/; done
(cd ../scenes && sha256sum $files >SHA256SUMS)
cp "$run/curve.jsonl" "$run/measured.json" .
echo "weights/scenes is new; bring the figures and checksums in its README.md up to date (curve.jsonl, measured.json)"
