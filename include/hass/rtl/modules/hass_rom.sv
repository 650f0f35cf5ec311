// hass_rom: DEPTH words of BITS, read from FILE (hexadecimal, one word a line, $readmemh).
//
//   cycles   one word a cycle, latency 1 while `enable`
//   costs    block RAM, or LUTs where it is small: the tool's choice
module hass_rom #(
    parameter int BITS = 16,
    parameter int DEPTH = 256,
    parameter FILE = "weights.mem",
    localparam int ADDRESS = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
    input  logic               clk,
    input  logic               enable,
    input  logic [ADDRESS-1:0] address,
    output logic [BITS-1:0]    word
);
    logic [BITS-1:0] words [0:DEPTH-1];
    initial $readmemh(FILE, words);

    always_ff @(posedge clk)
        if (enable) word <= words[address];
endmodule
