// hass_join: a word of each of WAYS streams becomes one word, way 0 rightmost.
//
//   cycles   one word a cycle, latency 0
//   costs    an AND a way; in_ready depends on out_ready and on the other ways
module hass_join #(
    parameter int BITS = 16,
    parameter int WAYS = 2
) (
    input  logic [WAYS-1:0]      in_valid,
    output logic [WAYS-1:0]      in_ready,
    input  logic [WAYS*BITS-1:0] in_data,
    output logic                 out_valid,
    input  logic                 out_ready,
    output logic [WAYS*BITS-1:0] out_data
);
    assign out_valid = &in_valid;
    assign in_ready  = {WAYS{out_valid && out_ready}};
    assign out_data  = in_data;
endmodule
