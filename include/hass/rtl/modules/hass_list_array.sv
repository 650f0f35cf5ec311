// hass_list_array: REPLICAS hass_lists that take turns at output pixels. Each holds the whole input; sums wait
// in FIFOs of two pixels.
//
//   cycles   those of hass_lists / REPLICAS
//   costs    REPLICAS hass_lists, as many FIFOs of 2 BLOCKS CHAIN words
//   needs    as hass_lists, and REPLICAS STRIDE_W more SLOTS than there, so that all can work
module hass_list_array #(
    parameter int DATA = 16,
    parameter int WEIGHT = 16,
    parameter int LANES = 1,
    parameter int WORDS = 4,
    parameter int WIDTH = 8,
    parameter int HEIGHT = 8,
    parameter int KERNEL_W = 3,
    parameter int KERNEL_H = 3,
    parameter int STRIDE_W = 1,
    parameter int STRIDE_H = 1,
    parameter int PAD_LEFT = 1,
    parameter int PAD_TOP = 1,
    parameter int OUT_WIDTH = 8,
    parameter int OUT_HEIGHT = 8,
    parameter int MULTIPLIERS = 4,
    parameter int BLOCKS = 1,
    parameter int CHAIN = 4,
    parameter int REPLICAS = 2,
    parameter int SLOTS = (KERNEL_H - 1) * WIDTH + KERNEL_W + 2 * REPLICAS * STRIDE_W,
    parameter int SUM = 48,
    parameter WEIGHTS = "weights",
    localparam int OUT = MULTIPLIERS / CHAIN * SUM
) (
    input  logic                  clk,
    input  logic                  rst,
    input  logic                  in_valid,
    output logic                  in_ready,
    input  logic [LANES*DATA-1:0] in_data,
    output logic                  out_valid,
    input  logic                  out_ready,
    output logic [OUT-1:0]        out_data,
    output logic                  busy  // the first one
);
    logic [REPLICAS-1:0]     way_valid, way_ready, sum_valid, sum_ready, turn_valid, turn_ready, all_busy;
    logic [LANES*DATA-1:0]   way;
    logic [REPLICAS*OUT-1:0] sums, turns;
    assign busy = all_busy[0];
    wire unused = &{1'b0, all_busy};

    hass_fork #(.BITS(LANES * DATA), .WAYS(REPLICAS)) to_lists (
        .clk, .rst, .in_valid, .in_ready, .in_data,
        .out_valid(way_valid), .out_ready(way_ready), .out_data(way));

    for (genvar r = 0; r < REPLICAS; r++) begin : g_replica
        hass_lists #(.DATA(DATA), .WEIGHT(WEIGHT), .LANES(LANES), .WORDS(WORDS), .WIDTH(WIDTH),
                     .HEIGHT(HEIGHT), .KERNEL_W(KERNEL_W), .KERNEL_H(KERNEL_H), .STRIDE_W(STRIDE_W),
                     .STRIDE_H(STRIDE_H), .PAD_LEFT(PAD_LEFT), .PAD_TOP(PAD_TOP), .OUT_WIDTH(OUT_WIDTH),
                     .OUT_HEIGHT(OUT_HEIGHT), .MULTIPLIERS(MULTIPLIERS), .BLOCKS(BLOCKS), .CHAIN(CHAIN),
                     .SLOTS(SLOTS), .SUM(SUM), .REPLICAS(REPLICAS), .REPLICA(r), .WEIGHTS(WEIGHTS)) lists (
            .clk, .rst, .in_valid(way_valid[r]), .in_ready(way_ready[r]), .in_data(way),
            .out_valid(sum_valid[r]), .out_ready(sum_ready[r]), .out_data(sums[r*OUT +: OUT]),
            .busy(all_busy[r]));
        hass_fifo #(.BITS(OUT), .DEPTH(2 * BLOCKS * CHAIN)) fifo (
            .clk, .rst, .in_valid(sum_valid[r]), .in_ready(sum_ready[r]), .in_data(sums[r*OUT +: OUT]),
            .out_valid(turn_valid[r]), .out_ready(turn_ready[r]), .out_data(turns[r*OUT +: OUT]));
    end

    hass_turns #(.BITS(OUT), .WAYS(REPLICAS), .WORDS(BLOCKS * CHAIN)) in_turn (
        .clk, .rst, .in_valid(turn_valid), .in_ready(turn_ready), .in_data(turns),
        .out_valid, .out_ready, .out_data);
endmodule
