// The modules that take a word and give a word, in several shapes each.
`include "streams.svh"
module bench_words (`HASS_BENCH_PORTS);
    hass_clip #(.BITS(8), .LANES(3), .THRESHOLD(5)) clip_0 (`HASS_STREAM(0, 24, 24));
    hass_clip #(.BITS(16), .LANES(1), .THRESHOLD(0)) clip_1 (`HASS_STREAM(1, 16, 16));
    hass_clip #(.BITS(16), .LANES(2), .THRESHOLD(32767)) clip_2 (`HASS_STREAM(2, 32, 32));

    hass_clamp #(.BITS(8), .LANES(4)) clamp_0 (`HASS_STREAM(3, 32, 32));
    hass_clamp #(.BITS(16), .LANES(1), .LOW(0), .HIGH(12288)) clamp_1 (`HASS_STREAM(4, 16, 16));
    hass_clamp #(.BITS(8), .LANES(1), .LOW(-20), .HIGH(20)) clamp_2 (`HASS_STREAM(5, 8, 8));

    hass_requantise #(.IN(20), .OUT(8), .LANES(1), .WORDS(3), .BIAS(18), .MULTIPLIER(16), .SHIFT(14),
                      .FILE("requantise_0.mem")) requantise_0 (`HASS_STREAM(6, 20, 8));
    hass_requantise #(.IN(42), .OUT(16), .LANES(2), .WORDS(5), .BIAS(32), .MULTIPLIER(18), .SHIFT(36),
                      .LOW(0), .FILE("requantise_1.mem")) requantise_1 (`HASS_STREAM(7, 84, 32));
    hass_requantise #(.IN(8), .OUT(8), .LANES(4), .WORDS(1), .BIAS(8), .MULTIPLIER(2), .SHIFT(0),
                      .LOW(-100), .HIGH(90),
                      .FILE("requantise_2.mem")) requantise_2 (`HASS_STREAM(8, 32, 32));
    hass_requantise #(.IN(12), .OUT(8), .LANES(1), .WORDS(1), .BIAS(12), .MULTIPLIER(4), .SHIFT(1),
                      .FILE("requantise_3.mem")) requantise_3 (`HASS_STREAM(9, 12, 8));

    hass_skid #(.BITS(12)) skid_0 (`HASS_STREAM(10, 12, 12));
    hass_fifo #(.BITS(16), .DEPTH(16)) fifo_0 (`HASS_STREAM(11, 16, 16));
    hass_fifo #(.BITS(16), .DEPTH(5)) fifo_1 (`HASS_STREAM(12, 16, 16));
    hass_fifo #(.BITS(70), .DEPTH(2)) fifo_2 (`HASS_STREAM(13, 70, 70));

    hass_lookup #(.IN(8), .OUT(8), .LANES(2), .FILE("lookup_0.mem")) lookup_0 (`HASS_STREAM(14, 16, 16));
    hass_lookup #(.IN(10), .OUT(16), .LANES(1), .FILE("lookup_1.mem")) lookup_1 (`HASS_STREAM(15, 10, 16));

    hass_widen #(.IN(16), .WORDS(3)) widen_0 (`HASS_STREAM(16, 16, 48));
    hass_narrow #(.OUT(16), .WORDS(3)) narrow_0 (`HASS_STREAM(17, 48, 16));
    hass_convert #(.BITS(8), .IN(2), .OUT(3), .WIDE(6)) convert_0 (`HASS_STREAM(18, 16, 24));
    hass_convert #(.BITS(8), .IN(4), .OUT(2), .WIDE(4)) convert_1 (`HASS_STREAM(19, 32, 16));
    hass_convert #(.BITS(8), .IN(1), .OUT(8), .WIDE(8)) convert_2 (`HASS_STREAM(20, 8, 64));
    hass_convert #(.BITS(8), .IN(3), .OUT(3), .WIDE(3)) convert_3 (`HASS_STREAM(21, 24, 24));

    hass_add #(.BITS(8), .LANES(2), .MULTIPLIER(10), .A_MULTIPLIER(300), .B_MULTIPLIER(-211),
               .SHIFT(9)) add_0 (`HASS_JOIN(22, 16, 16, 16));
    hass_add #(.BITS(16), .LANES(1), .A_MULTIPLIER(65536), .B_MULTIPLIER(98304), .SHIFT(17),
               .LOW(0)) add_1 (`HASS_JOIN(24, 16, 16, 16));
    hass_add #(.BITS(8), .LANES(1)) add_2 (`HASS_JOIN(26, 8, 8, 8));
    hass_multiply #(.BITS(8), .LANES(2), .MULTIPLIER(12), .SCALE(1000), .SHIFT(17)) multiply_0
        (`HASS_JOIN(28, 16, 16, 16));
    hass_multiply #(.BITS(16), .LANES(1), .SHIFT(15)) multiply_1 (`HASS_JOIN(30, 16, 16, 16));
    hass_concat #(.BITS(8), .A_WORDS(3), .B_WORDS(2)) concat_0 (`HASS_JOIN(32, 8, 8, 8));
    hass_concat #(.BITS(16), .A_WORDS(1), .B_WORDS(1)) concat_1 (`HASS_JOIN(34, 16, 16, 16));

    // Both ways of the fork, with different readiness, on slots 36 and 37.
    wire [15:0] forked;
    hass_fork #(.BITS(16), .WAYS(2)) fork_0 (
        `HASS_IN(36, 16), .out_valid(out_valid[37:36]), .out_ready(out_ready[37:36]),
        .out_data(forked));
    assign out_data[36][15:0] = forked;
    assign out_data[37][15:0] = forked;
endmodule
