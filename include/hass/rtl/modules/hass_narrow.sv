// hass_narrow: a word becomes WORDS words of OUT bits, the rightmost first.
//
//   cycles   WORDS a word, latency 1
//   costs    WORDS OUT flip-flops and LUTs
module hass_narrow #(
    parameter int OUT = 16,
    parameter int WORDS = 2
) (
    input  logic                 clk,
    input  logic                 rst,
    input  logic                 in_valid,
    output logic                 in_ready,
    input  logic [WORDS*OUT-1:0] in_data,
    output logic                 out_valid,
    input  logic                 out_ready,
    output logic [OUT-1:0]       out_data
);
    localparam int COUNT = WORDS > 1 ? $clog2(WORDS) : 1;

    logic [COUNT-1:0]     word;
    logic [WORDS*OUT-1:0] rest;

    wire last = word == COUNT'(WORDS - 1);

    assign in_ready = !out_valid || (out_ready && last);
    assign out_data = rest[OUT-1:0];
    hass_counter #(.COUNT(WORDS)) words (
        .clk, .rst, .step(out_valid && out_ready), .count(word));

    always_ff @(posedge clk) begin
        if (rst) out_valid <= 1'b0;
        else if (in_ready) out_valid <= in_valid;
        if (in_ready) rest <= in_data;
        else if (out_ready) rest <= rest >> OUT;
    end
endmodule
