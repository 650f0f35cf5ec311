// hass_depthwise: GROUPS hass_dense side by side, each on values of its own: position p of group g stands at
// p GROUPS + g, as hass_window gives words of GROUPS channels. Engine gg reads WEIGHTS_gg_nn.mem. All keep
// step, so that the first one's handshake is everyone's.
//
//   cycles   as hass_dense
//   costs    GROUPS hass_dense
module hass_depthwise #(
    parameter int DATA = 16,
    parameter int WEIGHT = 16,
    parameter int GROUPS = 2,       // 1 .. 100
    parameter int POSITIONS = 9,    // of a group
    parameter int MULTIPLIERS = 3,  // <= POSITIONS, of a filter
    parameter int FILTERS = 1,      // of a group
    parameter int WORDS = 1,
    parameter int DOTS = 1,
    parameter int SUM = 48,
    parameter WEIGHTS = "weights"
) (
    input  logic                             clk,
    input  logic                             rst,
    input  logic                             in_valid,
    output logic                             in_ready,
    input  logic [POSITIONS*GROUPS*DATA-1:0] in_data,
    output logic                             out_valid,
    input  logic                             out_ready,
    output logic [GROUPS*FILTERS*SUM-1:0]    out_data
);
    wire [GROUPS-1:0] ready, valid;
    assign in_ready = ready[0];
    assign out_valid = valid[0];
    wire unused = &{1'b0, ready, valid};

    for (genvar g = 0; g < GROUPS; g++) begin : g_group
        localparam [7:0] TENS = "0" + 8'(g / 10);
        localparam [7:0] ONES = "0" + 8'(g % 10);
        wire [POSITIONS*DATA-1:0] window;
        for (genvar p = 0; p < POSITIONS; p++) begin : g_position
            assign window[p*DATA +: DATA] = in_data[(p*GROUPS+g)*DATA +: DATA];
        end
        hass_dense #(.DATA(DATA), .WEIGHT(WEIGHT), .POSITIONS(POSITIONS), .MULTIPLIERS(MULTIPLIERS),
                     .FILTERS(FILTERS), .WORDS(WORDS), .DOTS(DOTS), .SUM(SUM),
                     .WEIGHTS({WEIGHTS, "_", TENS, ONES})) dense (
            .clk, .rst, .in_valid, .in_ready(ready[g]), .in_data(window), .out_valid(valid[g]), .out_ready,
            .out_data(out_data[g*FILTERS*SUM +: FILTERS*SUM]));
    end
endmodule
