// List engines in several shapes.
`include "streams.svh"
module bench_lists (`HASS_BENCH_PORTS);
    wire [8:0] busy;
    hass_lists #(.DATA(16), .WEIGHT(16), .LANES(1), .WORDS(16), .WIDTH(8), .HEIGHT(6), .OUT_WIDTH(8),
                 .OUT_HEIGHT(6), .MULTIPLIERS(8), .BLOCKS(2), .CHAIN(4), .WEIGHTS("lists_0")) lists_0
        (`HASS_STREAM(0, 16, 96), .busy(busy[0]));
    hass_lists #(.DATA(8), .WEIGHT(8), .LANES(2), .WORDS(6), .WIDTH(7), .HEIGHT(7), .STRIDE_W(2),
                 .STRIDE_H(2), .OUT_WIDTH(4), .OUT_HEIGHT(4), .MULTIPLIERS(4), .BLOCKS(3), .CHAIN(4),
                 .SLOTS(26), .SUM(24), .WEIGHTS("lists_1")) lists_1 (`HASS_STREAM(1, 16, 24), .busy(busy[1]));
    // Pointwise, all filters at once.
    hass_lists #(.DATA(16), .WEIGHT(16), .LANES(2), .WORDS(8), .WIDTH(5), .HEIGHT(4), .KERNEL_W(1),
                 .KERNEL_H(1), .PAD_LEFT(0), .PAD_TOP(0), .OUT_WIDTH(5), .OUT_HEIGHT(4), .MULTIPLIERS(16),
                 .BLOCKS(1), .CHAIN(8), .SLOTS(5), .WEIGHTS("lists_2")) lists_2 (`HASS_STREAM(2, 32, 96), .busy(busy[2]));
    hass_lists #(.DATA(8), .WEIGHT(8), .LANES(1), .WORDS(3), .WIDTH(6), .HEIGHT(5), .KERNEL_W(5),
                 .KERNEL_H(5), .PAD_LEFT(2), .PAD_TOP(2), .OUT_WIDTH(6), .OUT_HEIGHT(5), .MULTIPLIERS(2),
                 .BLOCKS(2), .CHAIN(2), .SLOTS(32), .WEIGHTS("lists_3")) lists_3 (`HASS_STREAM(3, 8, 48), .busy(busy[3]));
    // A window without padding; rows and columns that no window reaches.
    hass_lists #(.DATA(8), .WEIGHT(8), .LANES(4), .WORDS(1), .WIDTH(6), .HEIGHT(8), .STRIDE_W(2),
                 .STRIDE_H(2), .PAD_LEFT(0), .PAD_TOP(0), .OUT_WIDTH(2), .OUT_HEIGHT(3), .MULTIPLIERS(3),
                 .BLOCKS(1), .CHAIN(1), .WEIGHTS("lists_4")) lists_4 (`HASS_STREAM(4, 32, 144), .busy(busy[4]));
    // Fully connected: one pixel.
    hass_lists #(.DATA(16), .WEIGHT(16), .LANES(1), .WORDS(64), .WIDTH(1), .HEIGHT(1), .KERNEL_W(1),
                 .KERNEL_H(1), .PAD_LEFT(0), .PAD_TOP(0), .OUT_WIDTH(1), .OUT_HEIGHT(1), .MULTIPLIERS(2),
                 .BLOCKS(5), .CHAIN(2), .SLOTS(2), .WEIGHTS("lists_5")) lists_5 (`HASS_STREAM(5, 16, 48), .busy(busy[5]));
    // Replicas that share pixels.
    hass_list_array #(.DATA(8), .WEIGHT(8), .LANES(2), .WORDS(4), .WIDTH(7), .HEIGHT(5), .OUT_WIDTH(7),
                      .OUT_HEIGHT(5), .MULTIPLIERS(4), .BLOCKS(2), .CHAIN(2), .REPLICAS(3), .SUM(24),
                      .WEIGHTS("lists_6")) lists_6 (`HASS_STREAM(6, 16, 48), .busy(busy[6]));
    hass_list_array #(.DATA(16), .WEIGHT(16), .LANES(1), .WORDS(6), .WIDTH(6), .HEIGHT(6), .STRIDE_W(2),
                      .STRIDE_H(2), .OUT_WIDTH(3), .OUT_HEIGHT(3), .MULTIPLIERS(6), .BLOCKS(2), .CHAIN(6),
                      .REPLICAS(2), .WEIGHTS("lists_7")) lists_7 (`HASS_STREAM(7, 16, 48), .busy(busy[7]));
    hass_list_array #(.DATA(8), .WEIGHT(8), .LANES(1), .WORDS(16), .WIDTH(8), .HEIGHT(4), .KERNEL_W(1),
                      .KERNEL_H(1), .PAD_LEFT(0), .PAD_TOP(0), .OUT_WIDTH(8), .OUT_HEIGHT(4), .MULTIPLIERS(2),
                      .BLOCKS(6), .CHAIN(2), .REPLICAS(4), .SUM(24), .WEIGHTS("lists_8")) lists_8
        (`HASS_STREAM(8, 8, 24), .busy(busy[8]));
endmodule
