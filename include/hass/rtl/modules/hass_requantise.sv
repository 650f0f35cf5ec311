// hass_requantise: out = (in + bias) * multiplier / 2^SHIFT, halves to the even integer, saturated
// to LOW .. HIGH (with LOW = 0, ReLU costs nothing). Bias and multiplier are a channel's own: line w
// of FILE, read for word w of a pixel, holds {multiplier, bias} of its lanes, lane 0 rightmost.
//
//   cycles   one word a cycle, latency 5
//   costs    LANES multipliers of max(IN, BIAS) + 1 by MULTIPLIER bits, a ROM of WORDS lines
module hass_requantise #(
    parameter int IN = 32,
    parameter int OUT = 8,
    parameter int LANES = 1,
    parameter int WORDS = 1,  // words of a pixel: channels / LANES
    parameter int BIAS = 32,
    parameter int MULTIPLIER = 18,  // signed, as the rest
    parameter int SHIFT = 16,
    parameter int LOW = -(2 ** (OUT - 1)),
    parameter int HIGH = 2 ** (OUT - 1) - 1,
    parameter FILE = "requantise.mem"
) (
    input  logic                 clk,
    input  logic                 rst,
    input  logic                 in_valid,
    output logic                 in_ready,
    input  logic [LANES*IN-1:0]  in_data,
    output logic                 out_valid,
    input  logic                 out_ready,
    output logic [LANES*OUT-1:0] out_data
);
    localparam int SUM = (IN > BIAS ? IN : BIAS) + 1;
    localparam int PRODUCT = SUM + MULTIPLIER;
    localparam int ROUNDED = PRODUCT + 1 - SHIFT;
    localparam int ADDRESS = WORDS > 1 ? $clog2(WORDS) : 1;

    logic [3:0]                        valid;  // of the stages before the output register
    logic [LANES*IN-1:0]               data;
    logic [ADDRESS-1:0]                word;
    logic [LANES*(MULTIPLIER+BIAS)-1:0] constants;

    assign in_ready = !out_valid || out_ready;
    always_ff @(posedge clk)
        if (rst) {out_valid, valid} <= '0;
        else if (in_ready) {out_valid, valid} <= {valid, in_valid};

    hass_counter #(.COUNT(WORDS)) words (
        .clk, .rst, .step(in_valid && in_ready), .count(word));
    hass_rom #(.BITS(LANES * (MULTIPLIER + BIAS)), .DEPTH(WORDS), .FILE(FILE)) rom (
        .clk, .enable(in_ready), .address(word), .word(constants));
    always_ff @(posedge clk)
        if (in_ready) data <= in_data;

    for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
        wire signed [IN-1:0]         value = data[lane*IN +: IN];
        wire signed [BIAS-1:0]       bias = constants[lane*(MULTIPLIER+BIAS) +: BIAS];
        wire signed [MULTIPLIER-1:0] multiplier =
            constants[lane*(MULTIPLIER+BIAS)+BIAS +: MULTIPLIER];

        logic signed [SUM-1:0]        sum;
        logic signed [MULTIPLIER-1:0] factor;
        logic signed [PRODUCT-1:0]    product;
        logic signed [ROUNDED-1:0]    nearest, rounded;
        logic signed [OUT-1:0]        saturated;

        hass_round #(.IN(PRODUCT), .SHIFT(SHIFT)) round (.in(product), .out(nearest));
        hass_saturate #(.IN(ROUNDED), .OUT(OUT), .LOW(LOW), .HIGH(HIGH)) saturate (
            .in(rounded), .out(saturated));

        always_ff @(posedge clk)
            if (in_ready) begin
                sum     <= SUM'(value) + SUM'(bias);
                factor  <= multiplier;
                product <= PRODUCT'(sum) * PRODUCT'(factor);
                rounded <= nearest;
                out_data[lane*OUT +: OUT] <= saturated;
            end
    end
endmodule
