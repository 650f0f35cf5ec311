// hass_lane_array: engines of lanes side by side, for each of GROUPS groups SETS that share its windows, each at
// its own pace as far as its FIFOs reach. Position p of group g stands at p GROUPS + g. Engine
// ee = g SETS + s computes FILTERS filters of group g; it reads WEIGHTS_ee_nn.mem and WEIGHTS_ee_masks.mem.
//
//   cycles   those of the slowest engine of a dot product, nearly
//   costs    GROUPS SETS hass_lanes
module hass_lane_array #(
    parameter int DATA = 16,
    parameter int WEIGHT = 16,
    parameter int GROUPS = 1,
    parameter int SETS = 1,         // GROUPS SETS <= 100
    parameter int POSITIONS = 9,    // of a group
    parameter int MULTIPLIERS = 3,  // <= POSITIONS, of a filter
    parameter int FILTERS = 1,      // of an engine
    parameter int WORDS = 1,
    parameter int DOTS = 1,
    parameter int DEPTH = 8,
    parameter int SUM = 48,
    parameter bit MASKED = 1'b1,
    parameter WEIGHTS = "weights",
    localparam int ENGINES = GROUPS * SETS
) (
    input  logic                             clk,
    input  logic                             rst,
    input  logic                             in_valid,
    output logic                             in_ready,
    input  logic [POSITIONS*GROUPS*DATA-1:0] in_data,
    output logic                             out_valid,
    input  logic                             out_ready,
    output logic [ENGINES*FILTERS*SUM-1:0]   out_data,
    output logic                             busy  // of one engine after another, a cycle each
);
    logic [ENGINES-1:0]               window_valid, window_ready, sum_valid, sum_ready, all_busy;
    logic [POSITIONS*GROUPS*DATA-1:0] windows;
    logic [ENGINES*FILTERS*SUM-1:0]   sums;

    hass_fork #(.BITS(POSITIONS * GROUPS * DATA), .WAYS(ENGINES)) to_engines (
        .clk, .rst, .in_valid, .in_ready, .in_data,
        .out_valid(window_valid), .out_ready(window_ready), .out_data(windows));

    for (genvar e = 0; e < ENGINES; e++) begin : g_engine
        localparam [7:0] TENS = "0" + 8'(e / 10);
        localparam [7:0] ONES = "0" + 8'(e % 10);
        wire [POSITIONS*DATA-1:0] window;
        for (genvar p = 0; p < POSITIONS; p++) begin : g_position
            assign window[p*DATA +: DATA] = windows[(p*GROUPS+e/SETS)*DATA +: DATA];
        end
        hass_lanes #(.DATA(DATA), .WEIGHT(WEIGHT), .POSITIONS(POSITIONS), .MULTIPLIERS(MULTIPLIERS),
                     .FILTERS(FILTERS), .WORDS(WORDS), .DOTS(DOTS), .DEPTH(DEPTH), .SUM(SUM),
                     .MASKED(MASKED), .WEIGHTS({WEIGHTS, "_", TENS, ONES}),
                     .MASKS({WEIGHTS, "_", TENS, ONES, "_masks.mem"})) lanes (
            .clk, .rst, .in_valid(window_valid[e]), .in_ready(window_ready[e]), .in_data(window),
            .out_valid(sum_valid[e]), .out_ready(sum_ready[e]),
            .out_data(sums[e*FILTERS*SUM +: FILTERS*SUM]), .busy(all_busy[e]));
    end

    // An engine that waits for another one's sum is busy, too: their dot products end together.
    localparam int ENGINE = ENGINES > 1 ? $clog2(ENGINES) : 1;
    logic [ENGINE-1:0] looked_at;
    hass_counter #(.COUNT(ENGINES)) looks (.clk, .rst, .step(1'b1), .count(looked_at));
    assign busy = all_busy[looked_at];

    hass_join #(.BITS(FILTERS * SUM), .WAYS(ENGINES)) from_engines (
        .in_valid(sum_valid), .in_ready(sum_ready), .in_data(sums), .out_valid, .out_ready, .out_data);
endmodule
