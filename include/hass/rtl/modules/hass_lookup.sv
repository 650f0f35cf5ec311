// hass_lookup: any function of one value: out = line `in` (read as unsigned) of FILE.
//
//   cycles   one word a cycle, latency 1
//   costs    LANES tables of 2^IN words of OUT bits
module hass_lookup #(
    parameter int IN = 8,
    parameter int OUT = 8,
    parameter int LANES = 1,
    parameter FILE = "table.mem"
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
    assign in_ready = !out_valid || out_ready;
    always_ff @(posedge clk)
        if (rst) out_valid <= 1'b0;
        else if (in_ready) out_valid <= in_valid;

    for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
        hass_rom #(.BITS(OUT), .DEPTH(2 ** IN), .FILE(FILE)) rom (
            .clk, .enable(in_ready), .address(in_data[lane*IN +: IN]),
            .word(out_data[lane*OUT +: OUT]));
    end
endmodule
