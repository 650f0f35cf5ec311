// hass_pool_max: the largest value of each lane of a window (hass_window with FILL at the least value).
//
//   cycles   one window a cycle, latency $clog2(POSITIONS)
//   costs    LANES hass_max_tree
module hass_pool_max #(
    parameter int BITS = 16,
    parameter int LANES = 1,
    parameter int POSITIONS = 4  // >= 2: of a window
) (
    input  logic                            clk,
    input  logic                            rst,
    input  logic                            in_valid,
    output logic                            in_ready,
    input  logic [POSITIONS*LANES*BITS-1:0] in_data,
    output logic                            out_valid,
    input  logic                            out_ready,
    output logic [LANES*BITS-1:0]           out_data
);
    localparam int LEVELS = $clog2(POSITIONS);

    logic [LEVELS-1:0] valid;

    assign out_valid = valid[LEVELS-1];
    assign in_ready  = !out_valid || out_ready;
    always_ff @(posedge clk)
        if (rst) valid <= '0;
        else if (in_ready) valid <= LEVELS'({valid, in_valid});

    for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
        wire [POSITIONS*BITS-1:0] values;
        for (genvar p = 0; p < POSITIONS; p++) begin : g_position
            assign values[p*BITS +: BITS] = in_data[(p*LANES+lane)*BITS +: BITS];
        end
        hass_max_tree #(.BITS(BITS), .COUNT(POSITIONS)) tree (
            .clk, .enable(in_ready), .in(values), .largest(out_data[lane*BITS +: BITS]));
    end
endmodule
