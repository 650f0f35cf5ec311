// hass_pool_sum: the sum of each lane of a window: an average pool, once hass_requantise has divided.
//
//   cycles   one window a cycle, latency $clog2(POSITIONS)
//   costs    LANES hass_adder_tree
module hass_pool_sum #(
    parameter int BITS = 16,
    parameter int LANES = 1,
    parameter int POSITIONS = 4,  // >= 2: of a window
    localparam int LEVELS = $clog2(POSITIONS),
    localparam int SUM = BITS + LEVELS
) (
    input  logic                            clk,
    input  logic                            rst,
    input  logic                            in_valid,
    output logic                            in_ready,
    input  logic [POSITIONS*LANES*BITS-1:0] in_data,
    output logic                            out_valid,
    input  logic                            out_ready,
    output logic [LANES*SUM-1:0]            out_data
);
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
        hass_adder_tree #(.IN(BITS), .COUNT(POSITIONS), .OUT(SUM)) tree (
            .clk, .enable(in_ready), .in(values), .sum(out_data[lane*SUM +: SUM]));
    end
endmodule
