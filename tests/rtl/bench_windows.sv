// Window generators in several shapes, and pools.
`include "streams.svh"
module bench_windows (`HASS_BENCH_PORTS);
    hass_window #(.BITS(8), .LANES(1), .WORDS(1), .WIDTH(8), .HEIGHT(8)) window_0
        (`HASS_STREAM(0, 8, 72));
    hass_window #(.BITS(8), .LANES(2), .WORDS(3), .WIDTH(7), .HEIGHT(5), .STRIDE_W(2), .STRIDE_H(2),
                  .OUT_WIDTH(4), .OUT_HEIGHT(3)) window_1 (`HASS_STREAM(1, 16, 144));
    // Even sizes, strided, padded on the right and below alone (as TensorFlow does).
    hass_window #(.BITS(8), .WORDS(2), .WIDTH(8), .HEIGHT(6), .STRIDE_W(2), .STRIDE_H(2), .PAD_LEFT(0),
                  .PAD_TOP(0), .OUT_WIDTH(4), .OUT_HEIGHT(3)) window_2 (`HASS_STREAM(2, 8, 72));
    hass_window #(.BITS(8), .WORDS(4), .WIDTH(9), .HEIGHT(7), .KERNEL_W(5), .KERNEL_H(5), .PAD_LEFT(2),
                  .PAD_TOP(2), .OUT_WIDTH(9), .OUT_HEIGHT(7)) window_3 (`HASS_STREAM(3, 8, 200));
    // No padding.
    hass_window #(.BITS(8), .WORDS(1), .WIDTH(6), .HEIGHT(6), .PAD_LEFT(0), .PAD_TOP(0), .OUT_WIDTH(4),
                  .OUT_HEIGHT(4)) window_4 (`HASS_STREAM(4, 8, 72));
    // The first layer of DS-CNN: a kernel of 10 rows and 4 columns.
    hass_window #(.BITS(8), .WORDS(1), .WIDTH(10), .HEIGHT(49), .KERNEL_W(4), .KERNEL_H(10),
                  .STRIDE_W(2), .STRIDE_H(2), .PAD_LEFT(1), .PAD_TOP(4), .OUT_WIDTH(5), .OUT_HEIGHT(25))
        window_5 (`HASS_STREAM(5, 8, 320));
    // Pointwise with a stride; a pool of 2 x 2; one of 3 x 3 with padding below every value.
    hass_window #(.BITS(16), .LANES(2), .WORDS(2), .WIDTH(6), .HEIGHT(4), .KERNEL_W(1), .KERNEL_H(1),
                  .STRIDE_W(2), .STRIDE_H(2), .PAD_LEFT(0), .PAD_TOP(0), .OUT_WIDTH(3), .OUT_HEIGHT(2))
        window_6 (`HASS_STREAM(6, 32, 32));
    hass_window #(.BITS(16), .WORDS(3), .WIDTH(4), .HEIGHT(4), .KERNEL_W(2), .KERNEL_H(2), .STRIDE_W(2),
                  .STRIDE_H(2), .PAD_LEFT(0), .PAD_TOP(0), .OUT_WIDTH(2), .OUT_HEIGHT(2))
        window_7 (`HASS_STREAM(7, 16, 64));
    hass_window #(.BITS(8), .WORDS(70), .WIDTH(4), .HEIGHT(3), .STRIDE_W(2), .STRIDE_H(1),
                  .OUT_WIDTH(2), .OUT_HEIGHT(3), .FILL(-128)) window_8 (`HASS_STREAM(8, 8, 72));
    hass_window #(.BITS(8), .WORDS(1), .WIDTH(2), .HEIGHT(2), .OUT_WIDTH(2), .OUT_HEIGHT(2)) window_9
        (`HASS_STREAM(9, 8, 72));
    // One column: a convolution in time.
    hass_window #(.BITS(8), .WORDS(2), .WIDTH(1), .HEIGHT(20), .KERNEL_W(1), .PAD_LEFT(0),
                  .OUT_WIDTH(1), .OUT_HEIGHT(20)) window_10 (`HASS_STREAM(10, 8, 24));

    hass_pool_max #(.BITS(8), .LANES(2), .POSITIONS(9)) pool_max_0 (`HASS_STREAM(20, 144, 16));
    hass_pool_max #(.BITS(16), .LANES(1), .POSITIONS(4)) pool_max_1 (`HASS_STREAM(21, 64, 16));
    hass_pool_sum #(.BITS(8), .LANES(2), .POSITIONS(9)) pool_sum_0 (`HASS_STREAM(22, 144, 24));
    hass_pool_sum #(.BITS(16), .LANES(1), .POSITIONS(2)) pool_sum_1 (`HASS_STREAM(23, 32, 17));
    hass_global_sum #(.BITS(8), .LANES(2), .WORDS(3), .PIXELS(49)) global_0 (`HASS_STREAM(24, 16, 28));
    hass_global_sum #(.BITS(16), .LANES(1), .WORDS(1), .PIXELS(64)) global_1 (`HASS_STREAM(25, 16, 22));
    hass_global_sum #(.BITS(16), .LANES(1), .WORDS(5), .PIXELS(1)) global_2 (`HASS_STREAM(26, 16, 16));

    hass_replay #(.BITS(12), .WORDS(5), .TIMES(3)) replay_0 (`HASS_STREAM(27, 12, 12));
    hass_replay #(.BITS(12), .WORDS(1), .TIMES(4)) replay_1 (`HASS_STREAM(28, 12, 12));
    hass_replay #(.BITS(12), .WORDS(4), .TIMES(1)) replay_2 (`HASS_STREAM(29, 12, 12));
endmodule
