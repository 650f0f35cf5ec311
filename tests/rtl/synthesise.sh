#!/usr/bin/env bash
# What the modules take, by Yosys, as CSV on standard output: the record tests/data/rtl_synthesis.csv.
#     bash tests/rtl/synthesise.sh [module ...] >tests/data/rtl_synthesis.csv    # all: over 15 minutes of CPU
#     bash tests/rtl/synthesise.sh --points FILE [module ...]    # those of a record: tests/data/rtl_held_out.csv
# UltraScale+ without place and route. lut: LUTs of logic; lutram and srl: LUTs used as memory and as shift
# registers; inverters, which have no cell of their own, are not counted. hass_rom is left out of every
# other module: its block RAM is known from its size.
set -euo pipefail
modules=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../include/hass/rtl/modules" && pwd)
listed=
if [[ ${1:-} == --points ]]; then listed=$(realpath "$2"); shift 2; fi
wanted=" $* "
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

mapfile -t sources < <(ls "$modules"/*.sv | grep -v hass_rom)
{
    echo '(* blackbox *)'
    sed '/initial \$readmemh/d; /always_ff/d; /if (enable)/d; /logic \[BITS-1:0\] *words/d' "$modules/hass_rom.sv"
} >hass_rom.sv
# noise BITS WORDS: what a ROM holds
noise() {
    awk -v bits="$1" -v words="$2" 'BEGIN {
        srand(1)
        for (i = 0; i < words; ++i) {
            if (bits % 4) printf "%x", rand() * 2 ^ (bits % 4)
            for (b = bits - bits % 4; b > 0; b -= 4) printf "%x", rand() * 16
            print ""
        }
    }'
}

: >points.csv
# row MODULE NAME=VALUE ...: one point, an instance of its own
row() {
    [[ $wanted == "  " || $wanted == *" $1 "* ]] || return 0
    echo "$1,${*:2}" >>points.csv
}

# rom BITS=... DEPTH=...: a point of hass_rom
rom() {
    local file=rom_${1#*=}_${2#*=}.mem
    noise "${1#*=}" "${2#*=}" >"$file"
    row hass_rom "$1" "$2" "FILE=\"$file\""
}

# Synthesises the points since the last time in one run: reading the technology takes longer than most of
# them. Each is kept apart from the others, and flat in itself.
# synthesise [source of hass_rom]
synthesise() {
    [ -s points.csv ] || return 0
    awk -F, '
        BEGIN { print "module points;" }
        {
            count = split($2, settings, " ")
            bound = ""
            for (i = 1; i <= count; ++i) {
                at = index(settings[i], "=")
                bound = bound (i > 1 ? ", " : "") "." substr(settings[i], 1, at - 1) "(" substr(settings[i], at + 1) ")"
            }
            printf "(* keep, keep_hierarchy *) %s #(%s) point_%d ();\n", $1, bound, NR
        }
        END { print "endmodule" }' points.csv >points.sv
    yosys -q -p "read_verilog -sv -D HASS_DSP48E2 -defer ${sources[*]} ${1:-hass_rom.sv} points.sv
                 hierarchy -top points
                 dump -o cells.txt points/c:*
                 synth_xilinx -family xcup -nowidelut -flatten
                 tee -o stat.txt stat" >log.txt 2>&1 || { tail -3 log.txt >&2; return 1; }
    awk '
        function luts(cell) {
            if (cell ~ /^RAM(32M16|64M8|256X1D)$/) return 8
            if (cell ~ /^RAM(32M|64M|128X1D)$/) return 4
            if (cell ~ /^RAM256X1S$/) return 4
            if (cell ~ /^RAM(32X1D|64X1D|128X1S)$/) return 2
            return 1
        }
        FILENAME == "cells.txt" { if ($1 == "cell") of[substr($3, 8)] = $2; next }
        FILENAME == "stat.txt" && $1 == "===" { m = $2; next }
        FILENAME == "stat.txt" {
            if ($1 ~ /^LUT[1-6]$/) lut[m] += $2
            if ($1 ~ /^RAM[0-9]+(M|X)/) lutram[m] += $2 * luts($1)
            if ($1 ~ /^SRL/) srl[m] += $2
            if ($1 ~ /^FD/) ff[m] += $2
            if ($1 ~ /^DSP/) dsp[m] += $2
            if ($1 ~ /^RAMB18/) bram[m] += $2
            if ($1 ~ /^RAMB36/) bram[m] += 2 * $2
            if ($1 ~ /^CARRY/) carry[m] += $2
            next
        }
        {
            m = of[FNR]
            sub(/ FILE=[^,]*/, "")
            printf "%s,%d,%d,%d,%d,%d,%d,%d\n", $0, lut[m], lutram[m], srl[m], ff[m], carry[m], dsp[m], bram[m]
        }' cells.txt stat.txt points.csv
    : >points.csv
}

echo module,parameters,lut,lutram,srl,ff,carry,dsp,bram18

if [[ -n $listed ]]; then
    while IFS=, read -r module parameters _; do
        if [[ $module == hass_* && $module != *@* && $module != hass_rom ]]; then row "$module" $parameters; fi
    done <"$listed"
    synthesise
    while IFS=, read -r module parameters _; do
        if [[ $module == hass_rom ]]; then rom $parameters; fi
    done <"$listed"
    synthesise "$modules/hass_rom.sv"
    exit
fi

# ---- engines. Of each: positions, multipliers, filters, words, dots, bits, bits of sums
while read -r positions multipliers filters words dots bits sum more; do
    row hass_lanes DATA=$bits WEIGHT=$bits POSITIONS=$positions MULTIPLIERS=$multipliers FILTERS=$filters \
        WORDS=$words DOTS=$dots SUM=$sum $more
done <<'END'
9 1 1 64 64 16 38
9 2 1 64 64 8 22
9 3 1 64 64 16 38
9 4 1 16 64 16 37
9 6 1 64 64 8 23
16 4 1 16 64 16 38
16 8 1 4 128 16 38
27 3 1 64 16 8 24
27 9 1 16 64 16 40
1 1 1 64 64 16 38
4 2 1 8 64 8 20
9 3 4 64 16 16 39 MASKED=1'b0
9 3 16 64 4 16 39 MASKED=1'b0
9 1 16 64 4 8 23 MASKED=1'b0
9 9 1 16 64 16 37
18 6 8 32 8 16 39 MASKED=1'b0
8 8 2 8 32 16 36 MASKED=1'b0
8 4 1 8 64 8 22
9 3 1 1 64 16 34
9 1 1 1 64 8 20
36 4 1 4 16 16 38
32 16 1 2 64 16 37
9 3 1 64 64 16 38 DEPTH=16
18 2 1 32 32 8 24
2 2 4 32 32 16 38 MASKED=1'b0
9 3 1 256 256 8 27
16 2 1 8 16 8 22
END
synthesise
while read -r positions multipliers filters words dots bits sum; do
    row hass_dense DATA=$bits WEIGHT=$bits POSITIONS=$positions MULTIPLIERS=$multipliers FILTERS=$filters \
        WORDS=$words DOTS=$dots SUM=$sum
done <<'END'
1 1 1 64 10 16 36
9 1 1 1 64 16 34
9 3 1 1 64 16 34
9 3 16 64 4 16 39
9 3 4 16 4 8 21
9 9 1 1 16 16 34
9 9 8 16 8 8 23
16 16 1 2 64 16 36
4 4 1 8 64 16 35
8 8 1 8 64 8 22
16 4 1 16 64 16 38
27 3 1 16 16 8 22
27 9 4 8 16 16 38
18 6 2 32 8 16 39
36 9 1 4 64 8 23
8 1 1 8 8 16 36
4 2 2 8 64 8 20
9 1 1 64 64 8 23
9 1 16 64 4 16 39
32 8 1 2 32 16 38
18 9 1 8 16 16 37
9 3 1 256 256 8 27
8 2 8 16 16 16 38
1 1 8 32 32 8 22
END
synthesise
while read -r positions multipliers filters words dots bits sum more; do
    row hass_spes DATA=$bits WEIGHT=$bits POSITIONS=$positions MULTIPLIERS=$multipliers FILTERS=$filters \
        WORDS=$words DOTS=$dots SUM=$sum $more
done <<'END'
9 1 1 64 64 16 38
9 2 1 64 64 8 22
9 3 1 64 64 16 38
9 4 1 1 64 8 20
9 9 1 16 16 16 37
16 4 1 4 64 16 38
16 2 1 16 64 8 22
8 8 1 8 64 8 22
4 2 1 8 64 16 36
4 4 1 16 32 8 20
1 1 1 64 64 16 38
9 3 1 16 16 8 23
9 3 2 16 16 16 38 STREAMS=2 VECTOR=1
18 6 1 8 64 16 38 VECTOR=2
9 2 4 16 4 8 22 THRESHOLD=5
9 6 1 64 16 16 38
9 1 1 16 16 8 21
8 3 1 8 64 16 37
16 2 1 8 32 16 38
9 8 1 8 32 16 38
16 3 1 8 32 16 38
25 4 1 8 32 16 38
16 8 1 4 32 16 38
12 3 1 8 32 16 38
10 2 1 8 32 16 38
20 5 1 4 32 8 23
14 5 1 8 32 16 38
12 4 1 8 32 8 22
END
synthesise
# Pixels in the ring of lists: list_ring of engine/resources/list_resources.hpp.
# ring kernel stride size out replicas
ring() {
    local windows=$(($5 > 1 ? 2 * $5 : 1))
    local pixels=$((($1 - 1) * $3 + $1 + 1)) least=$((($1 - 1) * $3 + $1 + windows * $2)) slots=4
    while ((slots < pixels)); do slots=$((2 * slots)); done
    local to_row=$(($4 > 1 ? $2 * $3 - ($4 - 1) * $2 : 0)) to_image=$(($3 * $3 - ($4 - 1) * $2 * ($3 + 1)))
    local longest=$((to_row > to_image ? to_row : to_image))
    longest=$((longest > $2 ? longest : $2))
    echo $(((slots > least ? slots : least) + longest - 1))
}
# lanes words kernel stride size out pad multipliers blocks chain bits sum, and replicas where there are any
while read -r lanes words kernel stride size out pad multipliers blocks chain bits sum replicas; do
    module=hass_lists
    slots=$(ring $kernel $stride $size $out ${replicas:-1})
    if [ -n "$replicas" ]; then module=hass_list_array; fi
    row $module DATA=$bits WEIGHT=$bits LANES=$lanes WORDS=$words KERNEL_W=$kernel KERNEL_H=$kernel \
        STRIDE_W=$stride STRIDE_H=$stride WIDTH=$size HEIGHT=$size OUT_WIDTH=$out OUT_HEIGHT=$out \
        PAD_LEFT=$pad PAD_TOP=$pad MULTIPLIERS=$multipliers BLOCKS=$blocks CHAIN=$chain SLOTS=$slots SUM=$sum \
        ${replicas:+REPLICAS=$replicas}
done <<'END'
1 16 3 1 32 32 1 4 4 4 16 37
1 64 3 1 56 56 1 4 16 4 8 24
1 64 3 1 56 56 1 16 4 8 16 39
1 64 3 1 56 56 1 64 1 8 16 39
2 32 3 1 56 56 1 16 4 8 8 23
2 32 3 1 28 28 1 64 1 8 16 39
4 16 3 1 56 56 1 16 4 8 16 39
1 64 3 1 16 16 1 16 4 8 8 23
1 256 3 1 8 8 1 32 8 8 16 41
1 64 1 1 28 28 0 16 4 8 16 36
2 32 1 1 14 14 0 8 8 8 8 22
4 16 1 1 7 7 0 32 2 8 16 36
1 16 3 2 28 14 1 16 4 8 16 37
4 16 3 2 14 7 1 8 8 8 8 22
1 8 3 1 28 28 1 2 4 2 16 36
2 64 3 1 14 14 1 1 64 1 16 40
1 128 1 2 28 14 0 8 16 8 8 24
4 4 3 1 28 28 1 4 4 4 16 37
1 64 1 1 1 1 0 10 1 5 16 37
2 16 3 1 32 32 1 8 4 8 8 22
3 8 3 1 14 14 1 8 2 8 16 37
8 8 1 1 14 14 0 16 2 8 8 22
6 4 3 2 28 14 1 8 2 8 8 21
1 16 3 1 14 14 1 16 4 8 16 37 2
2 8 3 1 14 14 1 4 4 4 8 22 3
4 4 1 1 14 14 0 4 8 4 16 36 2
1 64 3 1 7 7 1 16 4 8 8 23 2
1 8 1 1 7 7 0 8 2 8 8 20 4
END
synthesise
for bits in 8 16; do
    row hass_lane_array DATA=$bits WEIGHT=$bits POSITIONS=9 MULTIPLIERS=3 SETS=2 WORDS=16 DOTS=32 SUM=$((2 * bits + 6))
    row hass_lane_array DATA=$bits WEIGHT=$bits POSITIONS=9 MULTIPLIERS=1 GROUPS=4 DOTS=16 SUM=$((2 * bits + 4))
    row hass_lane_array DATA=$bits WEIGHT=$bits POSITIONS=9 MULTIPLIERS=3 FILTERS=4 SETS=4 WORDS=32 DOTS=4 \
        SUM=$((2 * bits + 7)) "MASKED=1'b0"
    row hass_depthwise DATA=$bits WEIGHT=$bits POSITIONS=9 MULTIPLIERS=3 GROUPS=2 DOTS=32 SUM=$((2 * bits + 4))
    row hass_depthwise DATA=$bits WEIGHT=$bits POSITIONS=9 MULTIPLIERS=1 GROUPS=4 DOTS=16 SUM=$((2 * bits + 4))
    row hass_depthwise DATA=$bits WEIGHT=$bits POSITIONS=9 MULTIPLIERS=9 GROUPS=2 DOTS=8 SUM=$((2 * bits + 4))
done
synthesise

# ---- windows and what else holds words
while read -r bits lanes words kernel stride size out pad; do
    row hass_window BITS=$bits LANES=$lanes WORDS=$words KERNEL_W=$kernel KERNEL_H=$kernel STRIDE_W=$stride \
        STRIDE_H=$stride WIDTH=$size HEIGHT=$size OUT_WIDTH=$out OUT_HEIGHT=$out PAD_LEFT=$pad PAD_TOP=$pad
done <<'END'
16 1 1 3 1 28 28 1
16 1 16 3 1 14 14 1
16 1 16 3 2 28 14 1
16 1 64 3 1 14 14 1
8 1 64 3 2 14 7 1
16 1 64 3 1 7 7 1
16 4 4 1 2 28 14 0
8 4 8 1 2 14 7 0
8 1 1 3 1 28 28 1
8 1 16 3 1 32 32 1
8 2 8 3 1 16 16 1
16 1 16 5 1 16 16 2
8 1 128 3 1 16 16 1
16 4 8 3 1 28 28 1
16 1 64 3 1 56 56 1
8 1 4 3 1 8 8 1
16 2 1 3 1 8 8 1
8 1 3 7 2 56 28 3
16 1 16 2 2 14 7 0
8 8 4 3 1 14 14 1
16 1 32 3 2 56 28 1
END
synthesise
while read -r bits words times; do
    row hass_replay BITS=$bits WORDS=$words TIMES=$times
done <<'END'
144 1 16
144 16 4
144 64 4
16 64 10
256 2 64
256 4 32
64 8 64
72 4 8
72 16 8
32 128 16
8 64 10
128 8 64
16 1 49
72 32 3
288 24 4
END
for bits in 8 16 39 144; do
    for depth in 2 3 16 23 30 64 107 464 512 1346; do
        if [ $bits -lt 100 ] || [ $depth -lt 200 ]; then row hass_fifo BITS=$bits DEPTH=$depth; fi
    done
done
for bits in 8 32 64 192; do
    for depth in 1 2 5 16 32 40 64; do row hass_delay BITS=$bits DEPTH=$depth; done  # more fail in Yosys 0.23
done
for bits in 2 4 10 17; do for depth in 4 8 16; do row hass_queue BITS=$bits DEPTH=$depth; done; done
synthesise

# ---- words of a stream
while read -r in out lanes words bias multiplier shift low; do
    row hass_requantise IN=$in OUT=$out LANES=$lanes WORDS=$words BIAS=$bias MULTIPLIER=$multiplier SHIFT=$shift \
        ${low:+LOW=$low}
done <<'END'
34 16 1 16 32 18 32 0
35 16 1 64 31 18 32
36 16 1 10 29 18 33
37 16 1 32 30 18 32
39 16 1 64 32 18 32 0
22 16 1 64 1 18 20
20 8 1 64 18 18 22 0
22 8 1 64 20 18 24
24 8 1 16 22 18 23
20 8 4 4 20 18 22 0
36 16 2 32 30 18 32
37 16 4 16 31 18 31 0
18 8 8 1 17 18 20
26 8 1 128 24 18 25
33 16 1 1 28 18 30
23 8 2 16 21 18 24 0
40 16 1 64 33 18 34
27 16 1 16 26 18 24
END
for out in 22 39; do for words in 2 4 8 16 64; do row hass_narrow OUT=$out WORDS=$words; done; done
for in in 8 16 48; do for words in 2 4 9 16; do row hass_widen IN=$in WORDS=$words; done; done
for bits in 8 16; do
    for shape in "1 4 4" "1 16 16" "4 1 4" "2 3 6" "16 4 16" "8 2 8" "3 4 12"; do
        read -r in out wide <<<"$shape"
        row hass_convert BITS=$bits IN=$in OUT=$out WIDE=$wide
    done
    for lanes in 1 2 4 9; do
        row hass_clamp BITS=$bits LANES=$lanes
        row hass_clamp BITS=$bits LANES=$lanes LOW=0 HIGH=100
        row hass_clip BITS=$bits LANES=$lanes THRESHOLD=5
        row hass_clip BITS=$bits LANES=$lanes THRESHOLD=88
        row hass_clip BITS=$bits LANES=$lanes
        row hass_pool_max BITS=$bits LANES=$lanes POSITIONS=4
        row hass_pool_max BITS=$bits LANES=$lanes POSITIONS=9
        row hass_pool_sum BITS=$bits LANES=$lanes POSITIONS=4
        row hass_pool_sum BITS=$bits LANES=$lanes POSITIONS=9
    done
    for lanes in 1 2 4; do
        row hass_add BITS=$bits LANES=$lanes A_MULTIPLIER=105415 B_MULTIPLIER=90477 SHIFT=17 LOW=0
        row hass_add BITS=$bits LANES=$lanes A_MULTIPLIER=75206 B_MULTIPLIER=60700 SHIFT=16
        row hass_add BITS=$bits LANES=$lanes A_MULTIPLIER=116759 B_MULTIPLIER=61863 SHIFT=17
        row hass_multiply BITS=$bits LANES=$lanes SCALE=77777 SHIFT=20
        row hass_multiply BITS=$bits LANES=$lanes SCALE=131001 SHIFT=24 LOW=0
        row hass_global_sum BITS=$bits LANES=$lanes WORDS=64 PIXELS=49
        row hass_global_sum BITS=$bits LANES=$lanes WORDS=16 PIXELS=49
        row hass_global_sum BITS=$bits LANES=$lanes WORDS=160 PIXELS=64
        row hass_lookup IN=$bits OUT=$bits LANES=$lanes
    done
    for ways in 2 3 4 8; do
        row hass_fork BITS=$bits WAYS=$ways
        row hass_join BITS=$bits WAYS=$ways
        row hass_turns BITS=$((2 * bits + 5)) WAYS=$ways WORDS=16
        row hass_turns BITS=$((8 * bits)) WAYS=$ways WORDS=8
    done
    row hass_skid BITS=$bits
    row hass_skid BITS=$((9 * bits))
    row hass_concat BITS=$bits A_WORDS=16 B_WORDS=16
    row hass_concat BITS=$((4 * bits)) A_WORDS=24 B_WORDS=8
    row hass_concat BITS=$bits A_WORDS=64 B_WORDS=100
done
for ways in 5 6 7 9 10 11 12 13 14 15 16 18 20 22 24 28 32; do row hass_fork BITS=16 WAYS=$ways; done
for ways in 5 6 7 9 12 16 32; do row hass_join BITS=16 WAYS=$ways; done
while read -r bits ways words; do row hass_turns BITS=$bits WAYS=$ways WORDS=$words; done <<'END'
37 10 24
40 6 8
74 6 10
39 7 32
37 5 20
30 5 12
50 6 9
22 7 5
91 5 40
END
for count in 2 3 10 16 60 64 196 784 1000 4096; do row hass_counter COUNT=$count; done
synthesise

for shape in "16 512" "64 1024" "256 1024"; do
    read -r bits depth <<<"$shape"
    rom BITS=$bits DEPTH=$depth
done
synthesise "$modules/hass_rom.sv"
