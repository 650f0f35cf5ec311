// hass_spes: FILTERS hass_spe on the same windows, each at its own pace as far as its FIFO reaches.
// Filter f of a dot product is computed by SPE f, which reads WEIGHTS_ff.mem.
//
//   cycles   those of the slowest SPE of a dot product, nearly
//   costs    FILTERS hass_spe
module hass_spes #(
    parameter int DATA = 16,
    parameter int WEIGHT = 16,
    parameter int POSITIONS = 9,
    parameter int MULTIPLIERS = 3,
    parameter int FILTERS = 1,  // <= 100
    parameter int WORDS = 1,
    parameter int DOTS = 1,
    parameter int THRESHOLD = 0,
    parameter int SUM = 48,
    parameter WEIGHTS = "weights"
) (
    input  logic                      clk,
    input  logic                      rst,
    input  logic                      in_valid,
    output logic                      in_ready,
    input  logic [POSITIONS*DATA-1:0] in_data,
    output logic                      out_valid,
    input  logic                      out_ready,
    output logic [FILTERS*SUM-1:0]    out_data
);
    logic [FILTERS-1:0]        window_valid, window_ready, sum_valid, sum_ready;
    logic [POSITIONS*DATA-1:0] window;
    logic [FILTERS*SUM-1:0]    sums;

    hass_fork #(.BITS(POSITIONS * DATA), .WAYS(FILTERS)) to_spes (
        .clk, .rst, .in_valid, .in_ready, .in_data,
        .out_valid(window_valid), .out_ready(window_ready), .out_data(window));

    for (genvar f = 0; f < FILTERS; f++) begin : g_filter
        localparam [7:0] TENS = "0" + 8'(f / 10);
        localparam [7:0] ONES = "0" + 8'(f % 10);
        hass_spe #(.DATA(DATA), .WEIGHT(WEIGHT), .POSITIONS(POSITIONS), .MULTIPLIERS(MULTIPLIERS),
                   .WORDS(WORDS), .DOTS(DOTS), .THRESHOLD(THRESHOLD), .SUM(SUM),
                   .WEIGHTS({WEIGHTS, "_", TENS, ONES, ".mem"})) spe (
            .clk, .rst, .in_valid(window_valid[f]), .in_ready(window_ready[f]), .in_data(window),
            .out_valid(sum_valid[f]), .out_ready(sum_ready[f]), .out_data(sums[f*SUM +: SUM]));
    end

    hass_join #(.BITS(SUM), .WAYS(FILTERS)) from_spes (
        .in_valid(sum_valid), .in_ready(sum_ready), .in_data(sums), .out_valid, .out_ready, .out_data);
endmodule
