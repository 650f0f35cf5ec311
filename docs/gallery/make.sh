#!/usr/bin/env bash
# Makes the reports of docs/gallery.md again, and their pictures: make.sh <folder of hass_search> <folder of models> [OUT]
# Minutes on two idle cores.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
search=$1/hass_search models=$2 out=${3:-gallery-out}
"$search" --trials 96 --seed 1 --out "$out/fashion" --quiet
"$search" --network resnet18 --device u250 --trials 12 --search hardware --out "$out/resnet18" --quiet
"$search" --model "$models/more/vit_cifar10/model.onnx" --images "$models/data/cifar10_even500_images_u8.npy" \
    --labels "$models/data/cifar10_even500_labels_i64.npy" --mean 0.4914,0.4822,0.4465 --std 0.247,0.2435,0.2616 \
    --first-images 32 --device u250 --trials 3 --search hardware --out "$out/vit" --quiet
shot() { python3 "$here/shots.py" "$out/$1/report.html" "$1" "$here" "${@:2}"; }
shot fashion "What may I trade?"
shot resnet18 "Where does it go?"
shot vit "What do the data look like?"
