// hass_clip: values of magnitude THRESHOLD or less become zero.
//
//   cycles   one word a cycle, latency 1
//   costs    LANES BITS flip-flops, two comparisons with a constant a lane
module hass_clip #(
    parameter int BITS = 16,
    parameter int LANES = 1,
    parameter int THRESHOLD = 0  // 0 .. 2^(BITS - 1) - 1
) (
    input  logic                  clk,
    input  logic                  rst,
    input  logic                  in_valid,
    output logic                  in_ready,
    input  logic [LANES*BITS-1:0] in_data,
    output logic                  out_valid,
    input  logic                  out_ready,
    output logic [LANES*BITS-1:0] out_data
);
    localparam logic signed [BITS-1:0] LIMIT = BITS'(THRESHOLD);

    for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
        wire signed [BITS-1:0] value = in_data[lane*BITS +: BITS];
        wire near_zero = value <= LIMIT && value >= -LIMIT;
        always_ff @(posedge clk)  // a synchronous reset: no LUTs
            if (in_ready && near_zero) out_data[lane*BITS +: BITS] <= '0;
            else if (in_ready) out_data[lane*BITS +: BITS] <= value;
    end

    assign in_ready = !out_valid || out_ready;
    always_ff @(posedge clk)
        if (rst) out_valid <= 1'b0;
        else if (in_ready) out_valid <= in_valid;
endmodule
