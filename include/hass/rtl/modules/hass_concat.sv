// hass_concat: pixels of two streams, one behind the other: A_WORDS of `a`, then B_WORDS of `b`.
//
//   cycles   one word a cycle, latency 0; A_WORDS + B_WORDS cycles a pixel
//   costs    a counter, a multiplexer of BITS; in_ready depends on out_ready
module hass_concat #(
    parameter int BITS = 16,
    parameter int A_WORDS = 1,
    parameter int B_WORDS = 1
) (
    input  logic            clk,
    input  logic            rst,
    input  logic            a_valid,
    output logic            a_ready,
    input  logic [BITS-1:0] a_data,
    input  logic            b_valid,
    output logic            b_ready,
    input  logic [BITS-1:0] b_data,
    output logic            out_valid,
    input  logic            out_ready,
    output logic [BITS-1:0] out_data
);
    localparam int COUNT = $clog2(A_WORDS + B_WORDS);

    logic [COUNT-1:0] word;
    wire of_a = word < COUNT'(A_WORDS);

    assign out_valid = of_a ? a_valid : b_valid;
    assign out_data  = of_a ? a_data : b_data;
    assign a_ready   = of_a && out_ready;
    assign b_ready   = !of_a && out_ready;

    hass_counter #(.COUNT(A_WORDS + B_WORDS)) words (
        .clk, .rst, .step(out_valid && out_ready), .count(word));
endmodule
