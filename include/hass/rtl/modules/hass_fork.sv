// hass_fork: every word goes to each of WAYS streams once, to each as soon as it can take it.
//
//   cycles   one word a cycle, latency 0
//   costs    WAYS flip-flops; in_ready depends on out_ready: put a hass_skid or hass_fifo behind it
module hass_fork #(
    parameter int BITS = 16,
    parameter int WAYS = 2
) (
    input  logic            clk,
    input  logic            rst,
    input  logic            in_valid,
    output logic            in_ready,
    input  logic [BITS-1:0] in_data,
    output logic [WAYS-1:0] out_valid,
    input  logic [WAYS-1:0] out_ready,
    output logic [BITS-1:0] out_data
);
    logic [WAYS-1:0] taken;  // the ways that have this word already

    assign out_valid = {WAYS{in_valid}} & ~taken;
    assign out_data  = in_data;
    assign in_ready  = &(taken | out_ready);

    always_ff @(posedge clk)
        if (rst) taken <= '0;
        else if (in_valid) taken <= in_ready ? '0 : taken | out_ready;
endmodule
