// A small network, wired as a generator would: image 8 x 8 x 4 -> convolution 3 x 3 -> ReLU, added to the
// image -> depthwise 3 x 3, stride 2 -> average over the image -> fully connected, 6 classes.
`include "streams.svh"
module bench_network (`HASS_BENCH_PORTS);
    // The image: to the convolution, and past it.
    wire [1:0] way_valid, way_ready;
    wire [7:0] way;
    hass_fork #(.BITS(8), .WAYS(2)) fork_0 (
        `HASS_IN(0, 8), .out_valid(way_valid), .out_ready(way_ready), .out_data(way));

    wire past_valid, past_ready;
    wire [7:0] past;
    hass_fifo #(.BITS(8), .DEPTH(64)) fifo_0 (
        .clk, .rst, .in_valid(way_valid[1]), .in_ready(way_ready[1]), .in_data(way),
        .out_valid(past_valid), .out_ready(past_ready), .out_data(past));

    // Convolution: 4 filters, 2 at once, on 3 lanes.
    wire windows_valid, windows_ready, replay_valid, replay_ready, dots_valid, dots_ready, sums_valid,
         sums_ready, conv_valid, conv_ready;
    wire [71:0] windows, replay;
    wire [47:0] dots;
    wire [23:0] sums;
    wire [7:0]  conv;
    hass_window #(.BITS(8), .WORDS(4)) window_0 (
        .clk, .rst, .in_valid(way_valid[0]), .in_ready(way_ready[0]), .in_data(way),
        .out_valid(windows_valid), .out_ready(windows_ready), .out_data(windows));
    hass_replay #(.BITS(72), .WORDS(4), .TIMES(2)) replay_0 (
        .clk, .rst, .in_valid(windows_valid), .in_ready(windows_ready), .in_data(windows),
        .out_valid(replay_valid), .out_ready(replay_ready), .out_data(replay));
    wire lanes_busy;
    hass_lanes #(.DATA(8), .WEIGHT(8), .POSITIONS(9), .MULTIPLIERS(3), .FILTERS(2), .WORDS(4), .DOTS(2),
                 .SUM(24), .WEIGHTS("conv"), .MASKS("conv_masks.mem")) lanes_0 (
        .clk, .rst, .in_valid(replay_valid), .in_ready(replay_ready), .in_data(replay),
        .out_valid(dots_valid), .out_ready(dots_ready), .out_data(dots), .busy(lanes_busy));
    hass_narrow #(.OUT(24), .WORDS(2)) narrow_0 (
        .clk, .rst, .in_valid(dots_valid), .in_ready(dots_ready), .in_data(dots),
        .out_valid(sums_valid), .out_ready(sums_ready), .out_data(sums));
    hass_requantise #(.IN(24), .OUT(8), .WORDS(4), .BIAS(24), .SHIFT(22), .LOW(0),
                      .FILE("conv_requantise.mem")) requantise_0 (
        .clk, .rst, .in_valid(sums_valid), .in_ready(sums_ready), .in_data(sums),
        .out_valid(conv_valid), .out_ready(conv_ready), .out_data(conv));

    // The sum of both.
    wire added_valid, added_ready;
    wire [7:0] added;
    hass_add #(.BITS(8), .A_MULTIPLIER(3), .B_MULTIPLIER(2), .SHIFT(2)) add_0 (
        .clk, .rst, .a_valid(conv_valid), .a_ready(conv_ready), .a_data(conv),
        .b_valid(past_valid), .b_ready(past_ready), .b_data(past),
        .out_valid(added_valid), .out_ready(added_ready), .out_data(added));

    // Depthwise: a window, a channel, a filter.
    wire taps_valid, taps_ready, depth_valid, depth_ready, deep_valid, deep_ready;
    wire [71:0] taps;
    wire [23:0] depth;
    wire [7:0]  deep;
    hass_window #(.BITS(8), .WORDS(4), .STRIDE_W(2), .STRIDE_H(2), .OUT_WIDTH(4), .OUT_HEIGHT(4)) window_1 (
        .clk, .rst, .in_valid(added_valid), .in_ready(added_ready), .in_data(added),
        .out_valid(taps_valid), .out_ready(taps_ready), .out_data(taps));
    hass_dense #(.DATA(8), .WEIGHT(8), .POSITIONS(9), .MULTIPLIERS(2), .WORDS(1), .DOTS(4), .SUM(24),
                 .WEIGHTS("depthwise")) dense_0 (
        .clk, .rst, .in_valid(taps_valid), .in_ready(taps_ready), .in_data(taps),
        .out_valid(depth_valid), .out_ready(depth_ready), .out_data(depth));
    hass_requantise #(.IN(24), .OUT(8), .WORDS(4), .BIAS(24), .SHIFT(22), .LOW(0),
                      .FILE("depthwise_requantise.mem")) requantise_1 (
        .clk, .rst, .in_valid(depth_valid), .in_ready(depth_ready), .in_data(depth),
        .out_valid(deep_valid), .out_ready(deep_ready), .out_data(deep));

    // Average, then one pixel on a list engine.
    wire total_valid, total_ready, mean_valid, mean_ready;
    wire [11:0] total;
    wire [7:0]  mean;
    hass_global_sum #(.BITS(8), .WORDS(4), .PIXELS(16)) global_0 (
        .clk, .rst, .in_valid(deep_valid), .in_ready(deep_ready), .in_data(deep),
        .out_valid(total_valid), .out_ready(total_ready), .out_data(total));
    hass_requantise #(.IN(12), .OUT(8), .BIAS(2), .MULTIPLIER(2), .SHIFT(4), .FILE("mean.mem")) requantise_2 (
        .clk, .rst, .in_valid(total_valid), .in_ready(total_ready), .in_data(total),
        .out_valid(mean_valid), .out_ready(mean_ready), .out_data(mean));
    wire lists_busy;
    hass_lists #(.DATA(8), .WEIGHT(8), .WORDS(4), .WIDTH(1), .HEIGHT(1), .KERNEL_W(1), .KERNEL_H(1),
                 .PAD_LEFT(0), .PAD_TOP(0), .OUT_WIDTH(1), .OUT_HEIGHT(1), .MULTIPLIERS(3), .BLOCKS(2),
                 .CHAIN(3), .SLOTS(2), .SUM(20), .WEIGHTS("classes")) lists_0 (
        .clk, .rst, .in_valid(mean_valid), .in_ready(mean_ready), .in_data(mean), `HASS_OUT(0, 20), .busy(lists_busy));
endmodule
