#!/usr/bin/env bash
# Bad input gets one clear line on stderr and exit code 2, and leaves no half-written output.
# bad_input.sh <hass_search> <examples/data> <tests/data/cases>
set -euo pipefail
program=$1
data=$2
cases=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
failures=0

# A .npy header for the given dtype and shape, without data.
npy() {
    local dictionary="{'descr': '$1', 'fortran_order': False, 'shape': ($2), }"
    printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "$dictionary"
}

# refuses <text> <flags...>: the program leaves with 2 and one line that holds the text.
refuses() {
    local expected=$1 code=0 out=(--out out) trials=(--trials 2)
    shift
    [[ " $* " != *" --out "* ]] || out=()
    [[ " $* " != *" --trials "* ]] || trials=()
    "$program" "${trials[@]}" "${out[@]}" "$@" >stdout 2>stderr </dev/null || code=$?
    if [ $code -ne 2 ] || [ "$(grep -c . stderr)" -ne 1 ] || ! grep -qiF -- "$expected" stderr ||
        [ -e out ]; then
        printf '%s\n' "FAILED: $*" "  exit code $code (2), expected '$expected' in one line on stderr:"
        sed 's/^/  | /' stderr | head -5
        failures=$((failures + 1))
    fi
    rm -rf out
}

head -c 1000 "$data/fashion.onnx" >truncated.onnx
head -c 1000 /dev/urandom >random.onnx
: >empty.onnx
npy '|u1' '0, 28, 28' >no_images.npy
npy '|u1' '4, 28, 28' >short.npy
{ npy '|u1' '4, 8, 8'; head -c 256 /dev/zero; } >small.npy
{ npy '|u1' '4,'; head -c 4 /dev/zero; } >four_labels.npy
echo '{"name": "tiny", "dsp": 1, "lut": 100, "ff": 100, "bram18": 1, "uram": 0, "bandwidth_gbps": 1, "mhz": 100}' >tiny.json
echo '{"name": "odd", "dps": 1}' >odd.json
touch file

own=(--images "$data/fashion_images.npy" --labels "$data/fashion_labels.npy")
refuses truncated.onnx --model truncated.onnx "${own[@]}"
refuses random.onnx --model random.onnx "${own[@]}"
refuses empty.onnx --model empty.onnx "${own[@]}"
refuses missing.onnx --model missing.onnx "${own[@]}"
refuses "--model: needs --images" --model "$data/fashion.onnx"
refuses "--labels: needs --images" --labels "$data/fashion_labels.npy"
refuses "did you mean 'agreement'" --metric agreemnt "${own[@]}"
refuses "--metric top5 needs --labels" --metric top5 --images "$data/fashion_images.npy"
refuses "--metric map and --detector belong together" --metric map "${own[@]}"
refuses "did you mean 'yolov8'" --metric map --detector yolv8 "${own[@]}"
refuses "unknown output 'logit'" --model "$data/fashion.onnx" --output logit "${own[@]}"
refuses four_labels.npy --images "$data/fashion_images.npy" --labels four_labels.npy
refuses no_images.npy --images no_images.npy --labels four_labels.npy
refuses short.npy --images short.npy --labels four_labels.npy
refuses 8x8 --images small.npy --labels four_labels.npy
refuses missing.npy --images missing.npy --labels four_labels.npy
refuses "did you mean 'u250'" --device u25O
refuses "did you mean 'either'" --multipliers eiter
refuses "did you mean 'every'" --memories evry
refuses "did you mean 'dsp'" --requantise dps
refuses "--multipliers either: resource model 'published' has no price for it" --resources published --multipliers either
refuses "--memories every: resource model 'repaired' has no price for it" --resources repaired --memories every
refuses "--requantise dsp: resource model 'published' has no price for it" --resources published --requantise dsp
refuses "unknown field 'dps'" --device odd.json
echo '{"name": "mute", "dsp": 220, "lut": 53200, "ff": 106400, "bram18": 280, "uram": 0, "bandwidth_gbps": 0, "mhz": 200}' >mute.json
refuses bandwidth_gbps --device mute.json
refuses missing.json --device missing.json
refuses tiny --device tiny.json
refuses "did you mean 'spe'" --engine sep
refuses "--rtl: modules clip all channels of a layer alike" --rtl design --thresholds channel
refuses "--rtl: no module has multipliers of LUTs" --rtl design --multipliers either
refuses "--rtl: modules make data of sums as --requantise rtl says, not shift" --rtl design --requantise shift
refuses "--rtl: 'published' does not price what its modules take" --rtl design --resources published
refuses "--rtl-images 0: must be at least 1" --rtl design --rtl-images 0
refuses "--rtl-images 20: there are 10 images" --rtl design --first-images 10
refuses "--rtl: needs images" --rtl design --network resnet18
refuses "file: is there already, and no design" --rtl file
[ ! -e design ] || { echo "FAILED: a design that was refused is there"; failures=$((failures + 1)); }
refuses "did you mean 'tpe'" --optimizer tep
refuses "did you mean 'pareto'" --objective paretto
refuses "did you mean 'hardware'" --search hardwear
refuses "one objective only" --optimizer composite --objective pareto
refuses "did you mean 'channel'" --thresholds chanel
refuses "unknown exempt layer 'frist'; did you mean 'first'" --exempt last,frist
refuses "did you mean '/block1/conv1/Conv'" --exempt /block1/conv1/Cnov
for bad in nan inf -inf 0; do refuses "scale must be finite and not 0" --scale=$bad; done
for bad in nan inf -inf; do refuses "mean must be finite" --mean=$bad; done
for bad in nan 0 1e-45; do refuses "std must be finite and not 0" --std=$bad; done
for bad in -1 1.5 99999999999999999999 1e3 abc; do refuses "--seed: $bad: must be a whole number" --seed=$bad; done
refuses "grid: more than 2^62 points" --optimizer grid
refuses "--optimizer cma-es: one objective only" --optimizer cma-es --objective pareto
refuses "unknown preprocessing 'imagnet'; did you mean 'imagenet'" --preprocessing imagnet
refuses "3 values of 'mean'" --preprocessing imagenet
bright=(--model "$cases/bright.onnx" --labels "$cases/bright_labels.npy")
refuses "bright.onnx: does not state its preprocessing" "${bright[@]}" --images "$cases/bright_images.npy"
refuses "bright.onnx: does not state its preprocessing" "${bright[@]}" --images "$cases/bright_images_in_unit.npy"
refuses "none|unit|symmetric|imagenet" "${bright[@]}" --images "$cases/bright_images.npy" --mean 0
refuses "--mean 127.5 is not that of pixels in 0..1; --scale" "${bright[@]}" --images "$cases/bright_images.npy" --mean 127.5 --std 127.5
ten=(--model "$cases/ten_classes.onnx" --mean 0 --std 1)
refuses "labels_from_one.npy: label 16 is 10, but" "${ten[@]}" --images "$cases/images_40.npy" --labels "$cases/labels_from_one.npy"
refuses "0 to 9; labels start at 0" "${ten[@]}" --images "$cases/images_40.npy" --labels "$cases/labels_from_one.npy"
# of one channel, N x H x W x 1 is what N x 1 x H x W is; of three it is not
{ npy '|u1' '4, 28, 28, 3'; head -c 9408 /dev/zero; } >channels_last.npy
refuses "channels_last.npy: images of 28x28x3, but" "${ten[@]}" --images channels_last.npy --labels four_labels.npy
{ npy '|u1' '4, 3, 28, 28'; head -c 9408 /dev/zero; } >colour.npy
refuses "number of channels must agree" "${ten[@]}" --images colour.npy --labels four_labels.npy
refuses "label 16 is 9, but" --model "$cases/one_answer.onnx" --mean 0 --std 1 --images "$cases/images_40.npy" --labels "$cases/labels_40.npy"
refuses "a value is not finite" --model "$cases/overflow.onnx" --images "$cases/images_40.npy" --labels "$cases/labels_40.npy" --mean 0 --std 1
refuses 'takes 1x28x28; --resize' --images small.npy --labels four_labels.npy
refuses 'must be 16, 8 or 0' --bits 12
refuses 'within 0 and 1' --confidence 95
refuses cache --cache -1
refuses '3 values of' --mean 0.1,0.2,0.3
refuses file --out file/out
refuses trials --trials 0
refuses trials --trials -3
refuses trials --trials many
refuses --no-such-flag --no-such-flag
refuses "unknown flag '--trails'; did you mean '--trials'" --trails 3
refuses "unknown flag '--devise'; did you mean '--device'" --devise=u250
refuses "unknown flag 'u250'" u250
refuses statistics-images --statistics-images -1
refuses "--statistics-images: --write-statistics counts" --statistics-images 5 --write-statistics other.statistics
refuses missing.statistics --statistics missing.statistics
refuses "is not a statistics file" --statistics random.onnx
refuses "cut short" --statistics empty.onnx
printf 'HASSSTAT\x02\0\0\0%016d' 0 >newer.statistics
refuses "version 2, this library reads 1" --statistics newer.statistics
for ready in "$data"/statistics/*.statistics; do
    [ -e "$ready" ] || continue
    name=$(basename "$ready" .statistics)
    refuses "did you mean '$name'" --network "${name}x"
    refuses "--images: needs images" --network "$name" --images "$data/fashion_images.npy"
    refuses "--model: needs images" --statistics "$ready" --model "$data/fashion.onnx"
    refuses "--first-images: needs images" --network "$name" --first-images 5
    refuses "--statistics-images: needs images" --network "$name" --statistics-images 5
    refuses "--write-statistics: needs" --network "$name" --write-statistics other.statistics
    refuses "--statistics: not with --network" --network "$name" --statistics "$ready"
    refuses "of another network" --statistics "$ready" --write-statistics other.statistics
    head -c 5000 "$ready" >short.statistics
    refuses "cut short within the header" --statistics short.statistics
done
refuses "--merge-statistics: needs --write-statistics" --merge-statistics a,b
refuses a.statistics --write-statistics sum.statistics --merge-statistics a.statistics
[ ! -e sum.statistics ] && [ ! -e other.statistics ] || { echo "a file is left"; failures=$((failures + 1)); }

[ $failures -eq 0 ] || { echo "$failures failures"; exit 1; }
