// hass_add: out = (a * A_MULTIPLIER + b * B_MULTIPLIER) / 2^SHIFT, halves to the even integer,
// saturated to LOW .. HIGH: two streams of scales of their own added in a third.
//
//   cycles   one word a cycle, latency 4
//   costs    2 LANES multipliers by a constant (DSPs, or LUTs where the tool sees a power of two)
module hass_add #(
    parameter int BITS = 16,
    parameter int LANES = 1,
    parameter int MULTIPLIER = 18,  // signed
    parameter int A_MULTIPLIER = 1,
    parameter int B_MULTIPLIER = 1,
    parameter int SHIFT = 0,
    parameter int LOW = -(2 ** (BITS - 1)),
    parameter int HIGH = 2 ** (BITS - 1) - 1
) (
    input  logic                  clk,
    input  logic                  rst,
    input  logic                  a_valid,
    output logic                  a_ready,
    input  logic [LANES*BITS-1:0] a_data,
    input  logic                  b_valid,
    output logic                  b_ready,
    input  logic [LANES*BITS-1:0] b_data,
    output logic                  out_valid,
    input  logic                  out_ready,
    output logic [LANES*BITS-1:0] out_data
);
    localparam int PRODUCT = BITS + MULTIPLIER;
    localparam int SUM = PRODUCT + 1;
    localparam int ROUNDED = SUM + 1 - SHIFT;

    logic [2:0] valid;

    wire advance = !out_valid || out_ready;
    assign a_ready = advance && b_valid;
    assign b_ready = advance && a_valid;
    always_ff @(posedge clk)
        if (rst) {out_valid, valid} <= '0;
        else if (advance) {out_valid, valid} <= {valid, a_valid && b_valid};

    for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
        wire signed [BITS-1:0] a = a_data[lane*BITS +: BITS];
        wire signed [BITS-1:0] b = b_data[lane*BITS +: BITS];

        logic signed [PRODUCT-1:0] a_scaled, b_scaled;
        logic signed [SUM-1:0]     sum;
        logic signed [ROUNDED-1:0] nearest, rounded;
        logic signed [BITS-1:0]    saturated;

        hass_round #(.IN(SUM), .SHIFT(SHIFT)) round (.in(sum), .out(nearest));
        hass_saturate #(.IN(ROUNDED), .OUT(BITS), .LOW(LOW), .HIGH(HIGH)) saturate (
            .in(rounded), .out(saturated));

        always_ff @(posedge clk)
            if (advance) begin
                a_scaled <= PRODUCT'(a) * PRODUCT'(A_MULTIPLIER);
                b_scaled <= PRODUCT'(b) * PRODUCT'(B_MULTIPLIER);
                sum      <= SUM'(a_scaled) + SUM'(b_scaled);
                rounded  <= nearest;
                out_data[lane*BITS +: BITS] <= saturated;
            end
    end
endmodule
