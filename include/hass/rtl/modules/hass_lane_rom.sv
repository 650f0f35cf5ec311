// hass_lane_rom: the weights of one lane of an engine, read from the file PREFIX_nn.mem of lane nn = NUMBER.
//
//   cycles   one word a cycle, latency 1 while `enable`
//   costs    as hass_rom
module hass_lane_rom #(
    parameter int BITS = 16,
    parameter int DEPTH = 256,
    parameter PREFIX = "weights",
    parameter int NUMBER = 0,  // 0 .. 99
    localparam int ADDRESS = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
    input  logic               clk,
    input  logic               enable,
    input  logic [ADDRESS-1:0] address,
    output logic [BITS-1:0]    word
);
    localparam [7:0] TENS = "0" + 8'(NUMBER / 10);
    localparam [7:0] ONES = "0" + 8'(NUMBER % 10);

    hass_rom #(.BITS(BITS), .DEPTH(DEPTH), .FILE({PREFIX, "_", TENS, ONES, ".mem"})) rom (
        .clk, .enable, .address, .word);
endmodule
