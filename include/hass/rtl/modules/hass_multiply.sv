// hass_multiply: out = a * b * SCALE / 2^SHIFT, halves to the even integer, saturated to LOW .. HIGH.
//
//   cycles   one word a cycle, latency 4
//   costs    LANES multipliers of BITS by BITS, LANES of 2 BITS by a constant
module hass_multiply #(
    parameter int BITS = 16,
    parameter int LANES = 1,
    parameter int MULTIPLIER = 18,  // bits of SCALE, signed
    parameter int SCALE = 1,
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
    localparam int PRODUCT = 2 * BITS;
    localparam int SCALED = PRODUCT + MULTIPLIER;
    localparam int ROUNDED = SCALED + 1 - SHIFT;

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

        logic signed [PRODUCT-1:0] product;
        logic signed [SCALED-1:0]  scaled;
        logic signed [ROUNDED-1:0] nearest, rounded;
        logic signed [BITS-1:0]    saturated;

        hass_round #(.IN(SCALED), .SHIFT(SHIFT)) round (.in(scaled), .out(nearest));
        hass_saturate #(.IN(ROUNDED), .OUT(BITS), .LOW(LOW), .HIGH(HIGH)) saturate (
            .in(rounded), .out(saturated));

        always_ff @(posedge clk)
            if (advance) begin
                product <= PRODUCT'(a) * PRODUCT'(b);
                scaled  <= SCALED'(product) * SCALED'(SCALE);
                rounded <= nearest;
                out_data[lane*BITS +: BITS] <= saturated;
            end
    end
endmodule
