#!/usr/bin/env bash
# What the modules take, by Yosys, as CSV on standard output: the record tests/data/rtl_synthesis.csv.
#     bash tests/rtl/synthesise.sh [module ...] >tests/data/rtl_synthesis.csv
# UltraScale+ without place and route. lut: LUTs of logic; lutram and srl: LUTs used as memory and as shift
# registers. hass_rom is left out of every other module: its block RAM is known from its size.
set -euo pipefail
modules=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../include/hass/rtl/modules" && pwd)
wanted=" $* "
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

mapfile -t sources < <(ls "$modules"/*.sv | grep -v hass_rom)
{
    echo '(* blackbox *)'
    sed '/initial \$readmemh/d; /always_ff/d; /if (enable)/d; /logic \[BITS-1:0\] *words/d' "$modules/hass_rom.sv"
} >hass_rom.sv
awk 'BEGIN { srand(1); for (i = 0; i < 65536; ++i) printf "%04x%04x\n", rand() * 65536, rand() * 65536 }' >random.mem

# row MODULE NAME=VALUE ...
row() {
    local module=$1 setting rom=$work/hass_rom.sv
    shift
    [[ $wanted == "  " || $wanted == *" $module "* ]] || return 0
    if [ "$module" = hass_rom ]; then rom=$modules/hass_rom.sv; fi
    local settings=()
    for setting in "$@"; do settings+=(-set "${setting%=*}" "${setting#*=}"); done
    yosys -q -p "read_verilog -sv -D HASS_DSP48E2 -defer ${sources[*]} $rom
                 chparam ${settings[*]} $module
                 hierarchy -top $module
                 synth_xilinx -family xcup -nowidelut -flatten
                 tee -o stat.txt stat" >log.txt 2>&1 || { tail -3 log.txt >&2; return 1; }
    awk -v module="$module" -v settings="$*" '
        function luts(cell) {
            if (cell ~ /^RAM(32M16|64M8|256X1D)$/) return 8
            if (cell ~ /^RAM(32M|64M|128X1D)$/) return 4
            if (cell ~ /^RAM(32X1D|64X1D)$/) return 2
            return 1
        }
        $1 ~ /^LUT[1-6]$/ { lut += $2 }
        $1 ~ /^RAM[0-9]+(M|X)/ { lutram += $2 * luts($1) }
        $1 ~ /^SRL/ { srl += $2 }
        $1 ~ /^FD/ { ff += $2 }
        $1 ~ /^DSP/ { dsp += $2 }
        $1 ~ /^RAMB18/ { bram += $2 }
        $1 ~ /^RAMB36/ { bram += 2 * $2 }
        $1 ~ /^CARRY/ { carry += $2 }
        END { printf "%s,%s,%d,%d,%d,%d,%d,%d,%d\n", module, settings, lut, lutram, srl, ff, carry, dsp, bram }
    ' stat.txt
}

echo module,parameters,lut,lutram,srl,ff,carry,dsp,bram18

for bits in 8 16; do
    precision="DATA=$bits WEIGHT=$bits"
    for shape in "9 1" "9 2" "9 3" "9 4" "9 6" "16 4" "16 8" "27 3" "27 9" "1 1" "4 2"; do
        read -r positions multipliers <<<"$shape"
        row hass_lanes $precision POSITIONS=$positions MULTIPLIERS=$multipliers WORDS=64 DOTS=64
    done
    for filters in 4 16; do
        row hass_lanes $precision POSITIONS=9 MULTIPLIERS=1 FILTERS=$filters WORDS=64 DOTS=16
        row hass_lanes $precision POSITIONS=9 MULTIPLIERS=3 FILTERS=$filters WORDS=64 DOTS=16
    done
    row hass_lanes $precision POSITIONS=9 MULTIPLIERS=3 WORDS=64 DOTS=64 DEPTH=16
    row hass_lanes $precision POSITIONS=9 MULTIPLIERS=3 WORDS=8 DOTS=8
    for shape in "9 1" "9 3" "9 9" "16 4" "27 3" "1 1"; do
        read -r positions multipliers <<<"$shape"
        row hass_dense $precision POSITIONS=$positions MULTIPLIERS=$multipliers WORDS=64 DOTS=16
        row hass_dense $precision POSITIONS=$positions MULTIPLIERS=$multipliers FILTERS=4 WORDS=64 DOTS=16
    done
    for shape in "9 1" "9 2" "9 3" "9 4" "9 9" "16 4"; do
        read -r positions multipliers <<<"$shape"
        row hass_spes $precision POSITIONS=$positions MULTIPLIERS=$multipliers WORDS=64 DOTS=64
    done
    # lanes words size multipliers blocks chain
    for shape in "1 16 32 4 1 4" "1 64 56 4 1 4" "1 64 56 16 4 16" "1 64 56 16 4 8" "1 64 56 64 1 8" \
                 "2 32 56 16 4 8" "2 32 56 64 1 8" "4 16 56 16 4 8" "1 64 16 16 4 8" "1 256 8 32 8 8"; do
        read -r lanes words size multipliers blocks chain <<<"$shape"
        row hass_lists $precision LANES=$lanes WORDS=$words WIDTH=$size HEIGHT=$size OUT_WIDTH=$size \
            OUT_HEIGHT=$size MULTIPLIERS=$multipliers BLOCKS=$blocks CHAIN=$chain
    done
    row hass_lists $precision WORDS=64 KERNEL_W=1 KERNEL_H=1 PAD_LEFT=0 PAD_TOP=0 WIDTH=28 HEIGHT=28 \
        OUT_WIDTH=28 OUT_HEIGHT=28 MULTIPLIERS=16 BLOCKS=4 CHAIN=8 SLOTS=4

    for shape in "8 1" "8 64" "16 16" "16 128" "32 16" "56 64"; do
        read -r size words <<<"$shape"
        row hass_window BITS=$bits WORDS=$words WIDTH=$size HEIGHT=$size OUT_WIDTH=$size OUT_HEIGHT=$size
    done
    row hass_window BITS=$bits WORDS=16 WIDTH=16 HEIGHT=16 KERNEL_W=5 KERNEL_H=5 PAD_LEFT=2 PAD_TOP=2 \
        OUT_WIDTH=16 OUT_HEIGHT=16
    row hass_window BITS=$bits WORDS=16 WIDTH=32 HEIGHT=32 STRIDE_W=2 STRIDE_H=2 OUT_WIDTH=16 OUT_HEIGHT=16
    row hass_window BITS=$bits WORDS=8 LANES=2 WIDTH=16 HEIGHT=16 OUT_WIDTH=16 OUT_HEIGHT=16

    for words in 4 16 64; do row hass_replay BITS=$((9 * bits)) WORDS=$words TIMES=8; done
    for in in $((2 * bits + 4)) $((2 * bits + 10)); do
        row hass_requantise IN=$in OUT=$bits WORDS=16 BIAS=$in SHIFT=20
        row hass_requantise IN=$in OUT=$bits WORDS=4 LANES=4 BIAS=$in SHIFT=20 LOW=0
    done
    for words in 2 4 16; do row hass_narrow OUT=$((2 * bits + 10)) WORDS=$words; done
    for depth in 16 64 512; do row hass_fifo BITS=$bits DEPTH=$depth; done
    for lanes in 1 4; do
        row hass_clamp BITS=$bits LANES=$lanes
        row hass_clip BITS=$bits LANES=$lanes THRESHOLD=5
        row hass_add BITS=$bits LANES=$lanes A_MULTIPLIER=77777 B_MULTIPLIER=55555 SHIFT=17
        row hass_multiply BITS=$bits LANES=$lanes SCALE=77777 SHIFT=20
        row hass_pool_max BITS=$bits LANES=$lanes POSITIONS=4
        row hass_pool_sum BITS=$bits LANES=$lanes POSITIONS=9
        row hass_global_sum BITS=$bits LANES=$lanes WORDS=64 PIXELS=49
    done
    row hass_widen IN=$bits WORDS=4
    row hass_convert BITS=$bits IN=2 OUT=3 WIDE=6
    row hass_skid BITS=$bits
    row hass_fork BITS=$bits
    row hass_concat BITS=$bits A_WORDS=16 B_WORDS=16
done
for shape in "16 512" "64 1024" "256 1024"; do
    read -r bits depth <<<"$shape"
    row hass_rom BITS=$bits DEPTH=$depth 'FILE="random.mem"'
done
