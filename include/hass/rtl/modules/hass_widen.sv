// hass_widen: WORDS words of IN bits become one, the first rightmost.
//
//   cycles   one word in a cycle, latency 1 behind the last of a group
//   costs    WORDS IN flip-flops
module hass_widen #(
    parameter int IN = 16,
    parameter int WORDS = 2
) (
    input  logic                clk,
    input  logic                rst,
    input  logic                in_valid,
    output logic                in_ready,
    input  logic [IN-1:0]       in_data,
    output logic                out_valid,
    input  logic                out_ready,
    output logic [WORDS*IN-1:0] out_data
);
    localparam int COUNT = WORDS > 1 ? $clog2(WORDS) : 1;

    logic [COUNT-1:0] word;

    assign in_ready = !out_valid || out_ready;
    hass_counter #(.COUNT(WORDS)) words (
        .clk, .rst, .step(in_valid && in_ready), .count(word));

    always_ff @(posedge clk) begin
        if (rst) out_valid <= 1'b0;
        else if (in_ready) out_valid <= in_valid && word == COUNT'(WORDS - 1);
        if (in_valid && in_ready) out_data <= (WORDS*IN)'({in_data, out_data} >> IN);
    end
endmodule
