#!/bin/sh
# One of the small models that begin with parts of weights/scenes: weights/recipe/train_family.sh itm|caption|lm|seed
# [options of its trainer]. After `seed` stands its number, as in `train_family.sh seed 2`. Needs Node (npm ci done),
# Python 3.11 and 2 GB of disk. What it writes stays in runs/: the same command goes on with an unfinished lm.
set -eu
cd "$(dirname "$0")"
kind=$1
shift
pictures=pictures
name=$kind
to=../scenes-$kind
answers=scenes-$kind
if [ "$kind" = seed ]; then
  number=$1
  shift
  name=seed-$number
  to=../seeds/$number
  answers=seed-$number
fi
run=runs/$name

if [ ! -d .venv-family ]; then
  python3 -m venv .venv-family
  .venv-family/bin/pip install --quiet -r requirements-family.txt
fi
if [ ! -d $pictures/train ]; then
  npx tsx render.ts $pictures/train --seed 1 --attributes 28000 --actions 18000 --faces 18000
  npx tsx render.ts $pictures/test --seed 1000 --attributes 2000 --actions 2000 --faces 2000 --pairs
fi
[ -d $pictures/facts ] || npx tsx render.ts $pictures/facts --seed 1000 --attributes 2000 --actions 2000 --faces 2000

python=.venv-family/bin/python
note="The text tower begins with weights/scenes', whose cross-attention heads training had shrunk (group penalty)."
case $kind in
  itm) $python train_itm.py --train $pictures/train --test $pictures/test --from ../scenes --out "$run" "$@" ;;
  caption)
    $python train_caption.py --train $pictures/train --test $pictures/test --facts $pictures/facts --from ../scenes --out "$run" "$@" ;;
  lm)
    note=
    # The second goes on where the first ends, with the vision tower.
    for schedule in "--steps 2400 --together 400" "--steps 3200 --together 1200"; do
      $python train_lm.py --train $pictures/train --test $pictures/test --vision ../scenes --out "$run" $schedule "$@"
    done ;;
  seed)
    note="How few heads matter is engineered: training shrank the text encoder's cross-attention heads (group penalty)."
    $python train_seed.py --train $pictures/train --test $pictures/test --vision ../scenes --seed "$number" --out "$run" "$@" ;;
esac
$python pack.py "$run" "$to" "$note"
$python measure_family.py "$kind" --model "$to" --pictures $pictures \
  --out measured-"$name".json --answers ../../test/weights/"$answers".json
cp "$run/curve.jsonl" curve-"$name".jsonl
echo "weights/${to#../} is new; bring the figures and checksums in its README.md up to date"
