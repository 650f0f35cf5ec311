// Engines of every kind, in several shapes each.
`include "streams.svh"
module bench_engines (`HASS_BENCH_PORTS);
    wire [13:0] busy;

    hass_dense #(.DATA(16), .WEIGHT(16), .POSITIONS(9), .MULTIPLIERS(3), .FILTERS(2), .WORDS(4), .DOTS(3),
                 .WEIGHTS("dense_0")) dense_0 (`HASS_STREAM(0, 144, 96));
    hass_dense #(.DATA(8), .WEIGHT(8), .POSITIONS(9), .MULTIPLIERS(4), .FILTERS(1), .WORDS(1), .DOTS(5),
                 .SUM(20), .WEIGHTS("dense_1")) dense_1 (`HASS_STREAM(1, 72, 20));
    hass_dense #(.DATA(8), .WEIGHT(8), .POSITIONS(4), .MULTIPLIERS(4), .FILTERS(4), .WORDS(3), .DOTS(1),
                 .WEIGHTS("dense_2")) dense_2 (`HASS_STREAM(2, 32, 192));
    hass_dense #(.DATA(16), .WEIGHT(16), .POSITIONS(1), .MULTIPLIERS(1), .FILTERS(1), .WORDS(7), .DOTS(2),
                 .WEIGHTS("dense_3")) dense_3 (`HASS_STREAM(3, 16, 48));
    hass_dense #(.DATA(16), .WEIGHT(8), .POSITIONS(9), .MULTIPLIERS(1), .FILTERS(1), .WORDS(1), .DOTS(1),
                 .WEIGHTS("dense_4")) dense_4 (`HASS_STREAM(4, 144, 48));

    hass_lanes #(.DATA(16), .WEIGHT(16), .POSITIONS(9), .MULTIPLIERS(3), .FILTERS(1), .WORDS(16),
                 .DOTS(2), .WEIGHTS("lanes_0"), .MASKS("lanes_0.mem")) lanes_0 (`HASS_STREAM(10, 144, 48), .busy(busy[0]));
    hass_lanes #(.DATA(16), .WEIGHT(16), .POSITIONS(9), .MULTIPLIERS(1), .FILTERS(4), .WORDS(8), .DOTS(3),
                 .WEIGHTS("lanes_1"), .MASKS("lanes_1.mem")) lanes_1 (`HASS_STREAM(11, 144, 192), .busy(busy[1]));
    hass_lanes #(.DATA(8), .WEIGHT(8), .POSITIONS(9), .MULTIPLIERS(4), .FILTERS(1), .WORDS(1), .DOTS(6),
                 .DEPTH(2), .WEIGHTS("lanes_2"), .MASKS("lanes_2.mem")) lanes_2 (`HASS_STREAM(12, 72, 48), .busy(busy[2]));
    hass_lanes #(.DATA(8), .WEIGHT(8), .POSITIONS(18), .MULTIPLIERS(6), .FILTERS(2), .WORDS(5), .DOTS(2),
                 .DEPTH(16), .WEIGHTS("lanes_3"), .MASKS("lanes_3.mem")) lanes_3
        (`HASS_STREAM(13, 144, 96), .busy(busy[3]));
    hass_lanes #(.DATA(16), .WEIGHT(16), .POSITIONS(1), .MULTIPLIERS(1), .FILTERS(8), .WORDS(12),
                 .DOTS(2), .WEIGHTS("lanes_4"), .MASKS("lanes_4.mem")) lanes_4 (`HASS_STREAM(14, 16, 384), .busy(busy[4]));

    hass_spes #(.DATA(16), .WEIGHT(16), .POSITIONS(9), .MULTIPLIERS(3), .FILTERS(1), .WORDS(8), .DOTS(2),
                .WEIGHTS("spes_0")) spes_0 (`HASS_STREAM(20, 144, 48), .busy(busy[7]));
    hass_spes #(.DATA(8), .WEIGHT(8), .POSITIONS(9), .MULTIPLIERS(2), .FILTERS(3), .WORDS(4), .DOTS(2),
                .THRESHOLD(9), .WEIGHTS("spes_1")) spes_1 (`HASS_STREAM(21, 72, 144), .busy(busy[8]));
    hass_spes #(.DATA(8), .WEIGHT(8), .POSITIONS(4), .MULTIPLIERS(1), .FILTERS(1), .WORDS(1), .DOTS(1),
                .SUM(20), .WEIGHTS("spes_2")) spes_2 (`HASS_STREAM(22, 32, 20), .busy(busy[9]));
    hass_spes #(.DATA(8), .WEIGHT(8), .POSITIONS(9), .MULTIPLIERS(9), .FILTERS(1), .WORDS(3), .DOTS(1),
                .WEIGHTS("spes_3")) spes_3 (`HASS_STREAM(23, 72, 48), .busy(busy[10]));

    // Engines side by side: filters on the same windows, groups on windows of their own.
    hass_lane_array #(.DATA(8), .WEIGHT(8), .SETS(2), .POSITIONS(9), .MULTIPLIERS(3), .FILTERS(2),
                      .WORDS(4), .DOTS(2), .SUM(24), .WEIGHTS("lanes_5")) lanes_5 (`HASS_STREAM(15, 72, 96), .busy(busy[5]));
    hass_lane_array #(.DATA(8), .WEIGHT(8), .GROUPS(3), .POSITIONS(9), .MULTIPLIERS(2), .FILTERS(1),
                      .WORDS(1), .DOTS(4), .SUM(24), .MASKED(1'b0), .WEIGHTS("lanes_6")) lanes_6
        (`HASS_STREAM(16, 216, 72), .busy(busy[6]));
    hass_spes #(.DATA(8), .WEIGHT(8), .STREAMS(2), .POSITIONS(9), .MULTIPLIERS(2), .FILTERS(2), .WORDS(4),
                .DOTS(2), .SUM(24), .WEIGHTS("spes_4")) spes_4 (`HASS_STREAM(24, 144, 48), .busy(busy[11]));
    hass_spes #(.DATA(8), .WEIGHT(8), .GROUPS(3), .POSITIONS(4), .MULTIPLIERS(1), .FILTERS(2), .WORDS(1),
                .DOTS(3), .THRESHOLD(20), .SUM(24), .WEIGHTS("spes_5")) spes_5 (`HASS_STREAM(25, 96, 144), .busy(busy[12]));
    hass_spes #(.DATA(16), .WEIGHT(16), .STREAMS(4), .VECTOR(4), .POSITIONS(4), .MULTIPLIERS(2),
                .FILTERS(1), .WORDS(3), .DOTS(2), .WEIGHTS("spes_6")) spes_6 (`HASS_STREAM(26, 256, 48), .busy(busy[13]));
endmodule
