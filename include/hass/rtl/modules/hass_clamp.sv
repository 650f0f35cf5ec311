// hass_clamp: the value of LOW .. HIGH that is nearest to each value of a word:
// ReLU with LOW = 0, ReLU6 with HIGH = the integer of 6 as well.
//
//   cycles   one word a cycle, latency 1
//   costs    LANES BITS flip-flops; with LOW = 0 alone, fewer LUTs than one a bit
module hass_clamp #(
    parameter int BITS = 16,
    parameter int LANES = 1,
    parameter int LOW = 0,
    parameter int HIGH = 2 ** (BITS - 1) - 1
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
    logic [LANES*BITS-1:0] clamped;

    for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
        hass_saturate #(.IN(BITS), .OUT(BITS), .LOW(LOW), .HIGH(HIGH)) saturate (
            .in(in_data[lane*BITS +: BITS]), .out(clamped[lane*BITS +: BITS]));
    end

    assign in_ready = !out_valid || out_ready;
    always_ff @(posedge clk) begin
        if (rst) out_valid <= 1'b0;
        else if (in_ready) out_valid <= in_valid;
        if (in_ready) out_data <= clamped;
    end
endmodule
